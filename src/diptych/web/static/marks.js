// Marks on hits; until judgments can be given here there are none.

export function prepareMarks() {}
