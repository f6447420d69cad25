// Numbers, money and days as people read them, in the language of the browser.

const LANGUAGE = navigator.language || "en";
const whole = new Intl.NumberFormat(LANGUAGE);
const share = new Intl.NumberFormat(LANGUAGE, { style: "percent", maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeZone: "UTC" });
const month = new Intl.DateTimeFormat(LANGUAGE, { month: "short", year: "numeric", timeZone: "UTC" });
const moment = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeStyle: "short" });

export const number = (value) => whole.format(value);

export const percent = (fraction) => share.format(fraction);

// "1 member", "12 members"
export const counted = (value, one, many) => `${whole.format(value)} ${value === 1 ? one : many}`;

export const points = (value) => `${whole.format(value)} ${Math.abs(value) === 1 ? "point" : "points"}`;

// With its sign, for changes: "+120", "−5".
export const signed = (value) =>
  value > 0 ? `+${whole.format(value)}` : value < 0 ? `−${whole.format(-value)}` : "0";

// `amount` is a decimal text: it is shown as it is, and never becomes a floating-point number that
// anything is reckoned with.
export function money({ amount, currency }) {
  const digits = (amount.split(".")[1] ?? "").length;
  return new Intl.NumberFormat(LANGUAGE, {
    style: "currency",
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(amount);
}

// What points are worth, rounded down; `value` is the program's { points, amount }.
export function worth(count, value, currency) {
  const digits = new Intl.NumberFormat(LANGUAGE, { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  const [units, part = ""] = value.amount.split(".");
  const scale = Math.max(digits, part.length);
  const scaled = (BigInt(Math.max(0, count)) * BigInt(units + part.padEnd(scale, "0"))) / BigInt(value.points);
  const text = String(scaled / 10n ** BigInt(scale - digits)).padStart(digits + 1, "0");
  return { amount: digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text, currency };
}

// "2028-11-30"; null is a day that never comes.
export const onDay = (text) => (text === null ? "never" : day.format(new Date(`${text}T00:00:00Z`)));

// "2028-11"
export const inMonth = (text) => month.format(new Date(`${text}-01T00:00:00Z`));

// "2028-11-30T12:00:00Z", in the zone of the browser.
export const atTime = (text) => moment.format(new Date(text));

const WORDS = {
  hold: "the hold to pass",
  payment: "payment",
  return_window: "the return window to pass",
  referral: "the friend's first purchase",
  linked_purchase: "the purchase it belongs to",
};

// What a pending earning waits for, and what entries are called.
export const waitingFor = (reasons) => reasons.map((each) => WORDS[each] ?? label(each)).join(" and ");

// "not_found" or "original-pages" as words.
export function label(name) {
  const words = String(name).replaceAll(/[_-]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
