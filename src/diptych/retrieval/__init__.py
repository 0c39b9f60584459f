"""What is answered to a query: exact search, the null bank, and the one index that every face asks."""
