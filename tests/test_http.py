from __future__ import annotations

import email.utils
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych import http
from diptych.errors import DiptychError


def test_the_user_agent_names_the_tool_and_the_contact(monkeypatch: pytest.MonkeyPatch) -> None:
    assert http.contact() is None
    assert http.user_agent().startswith("diptych/")
    assert "(" not in http.user_agent()
    monkeypatch.setenv("DIPTYCH_CONTACT", "  me@university.org ")
    assert http.contact() == "me@university.org"
    assert http.user_agent().endswith(" (me@university.org)")


@pytest.mark.parametrize("contact", ["Jürgen", "me\r\nX-Other: header"])
def test_a_contact_that_a_header_cannot_carry_is_refused(
    contact: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIPTYCH_CONTACT", contact)
    with pytest.raises(DiptychError, match="DIPTYCH_CONTACT must be plain ASCII"):
        http.user_agent()


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    assert http.retry_after({"retry-after": " 7 "}) == 7.0
    assert http.retry_after({"retry-after": "0.25"}) == 0.25
    in_an_hour = email.utils.formatdate(time.time() + 3600, usegmt=True)
    assert http.retry_after({"retry-after": in_an_hour}) == pytest.approx(3600, abs=60)
    an_hour_ago = email.utils.formatdate(time.time() - 3600, usegmt=True)
    assert http.retry_after({"retry-after": an_hour_ago}) == 0.0
    assert http.retry_after({}) is None


@pytest.mark.parametrize(
    "value", ["soon", "-1", "1.", ".5", "²", "9" * 400, "Mon, 99 Foo 2030", "Mon, 01 Jan 99999 00:00:00 GMT"]
)
def test_a_retry_after_that_says_nothing_is_ignored(value: str) -> None:
    assert http.retry_after({"retry-after": value}) is None


@given(st.text())
def test_no_retry_after_header_breaks_its_reader(value: str) -> None:
    wait = http.retry_after({"retry-after": value})
    assert wait is None or wait >= 0.0


@given(st.integers(0, 100))
def test_backoff_stays_below_a_ceiling_that_doubles_up_to_the_longest_wait(attempt: int) -> None:
    assert 0.0 <= http.backoff(attempt) <= min(0.5 * 2**attempt, http.LONGEST_WAIT)


def test_backoff_spreads_clients_out() -> None:
    assert len({http.backoff(3) for _ in range(10)}) > 1


def test_a_rate_holds_over_all_threads() -> None:
    limiter = http.RateLimiter(6000)  # one in ten milliseconds
    starts = []

    def call_three_times() -> None:
        for _ in range(3):
            limiter.wait()
            starts.append(time.monotonic())

    threads = [threading.Thread(target=call_three_times) for _ in range(4)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(starts) == 12
    # The n-th start comes n intervals after the first at the earliest, however late it is.
    assert all(start - begun >= n * 0.01 - 1e-6 for n, start in enumerate(sorted(starts)))


def test_without_a_rate_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    limiter = http.RateLimiter(None)
    for _ in range(3):
        limiter.wait()
    assert not any(waits)
