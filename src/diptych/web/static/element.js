// Elements made of text: whatever a name or a query holds, it is never read as markup.

export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("data-") || name.startsWith("aria-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.map((child) => (typeof child === "string" ? printable(child) : child)));
  return made;
}

// Without what breaks a line or turns the reading direction, as everywhere in Diptych.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const JOINERS = "\u200c\u200d";
const printable = (text) => text.replace(HIDDEN, (one) => (JOINERS.includes(one) ? one : "\ufffd"));

export const letter = (index) => String.fromCharCode(65 + index);

// A count as a person reads it: 12,345.
export const thousands = (number) => number.toLocaleString("en");

// US dollars by list price; small ones with as many digits as they need.
export function dollars(amount) {
  if (amount === 0) return "$0";
  return `$${amount.toFixed(amount < 0.001 ? 6 : 4)}`;
}
