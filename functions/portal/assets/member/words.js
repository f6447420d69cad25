// What entries, requests and redemptions are called, for people.

import { label, number, signed } from "../core/format.js";

const ENTRIES = {
  enrolment: "Welcome",
  accrual: "Earned",
  maturation: "Became available",
  reversal: "Taken back",
  lapse: "Lapsed",
  redemption: "Redeemed",
  reservation: "Reserved",
  capture: "Redeemed",
  release: "Released",
  expiry: "Expired",
  notice: "Reminder",
  extension: "Kept longer",
  adjustment: "Adjusted",
  transfer: "Transferred",
  merge: "Accounts joined",
  forfeit: "Forfeited",
  opening: "Brought along",
  change: "Changed",
};

// The types that a member may look for, in the order of a life of points.
export const KINDS = [
  "accrual", "maturation", "redemption", "reservation", "capture", "release", "reversal", "expiry", "lapse",
  "adjustment", "transfer", "merge", "opening", "notice", "extension", "change",
];

export function entryName({ type, available, details }) {
  if (type === "reversal" && details?.redemption) return "Given back";
  if (type === "transfer") return available < 0 ? "Sent" : "Received";
  return ENTRIES[type] ?? label(type);
}

export const kindName = (type) => (type === "capture" ? "Redeemed from a reservation" : ENTRIES[type] ?? label(type));

const REASONS = {
  reservation_ended: "The reservation ended by itself.",
  notice_required: "The points are kept until a reminder was given in time.",
  cancelled: "It was cancelled.",
  rejected: "It was not approved.",
  approved: "It was approved.",
  sharing: "The sharing plan was changed.",
  refund: "Something was refunded.",
  return: "Something was returned.",
  void: "The purchase was cancelled.",
  alias: "Two accounts became one.",
};

export const reasonText = (reason) => (reason ? REASONS[reason] ?? label(reason) : null);

const SOURCES = { "points-ledger": null, pos: "the till", standard: "the shop" };

// "invoice in_1 from Stripe"; null where an entry comes of nothing outside.
export function sourceText(source) {
  if (!source || source.system === "points-ledger") return null;
  return `${label(source.kind)} ${source.id} from ${SOURCES[source.system] ?? label(source.system)}`;
}

// What an entry did to the balances: [["available", "+120"], …].
export function changes(entry) {
  return ["available", "pending", "reserved", "debt"]
    .filter((name) => entry[name] !== 0)
    .map((name) => [name, signed(entry[name])]);
}

const REFUSALS = {
  member_inactive: "This account is not active.",
  redemption_paused: "Redemptions are paused at the moment.",
  redemption_not_permitted: "Points cannot be redeemed here.",
  below_minimum: "There are not enough points for the smallest redemption.",
  insufficient_points: "There are not enough points.",
  ticket_too_low: "The amount of the ticket is too low.",
  earned_on_same_ticket: "Points that this ticket earned cannot be spent on it.",
  yearly_cap_exceeded: "The limit of this year is reached.",
  limit_exceeded: "Too many reservations are open.",
  transfer_not_permitted: "Points cannot be transferred to this member.",
};

export const refusalText = (code) => REFUSALS[code] ?? label(code);

const STATES = {
  completed: ["Completed", "good"],
  reserved: ["Reserved", ""],
  awaiting_approval: ["Waiting for approval", ""],
  pending: ["Waiting for approval", ""],
  approved: ["Approved", "good"],
  rejected: ["Not approved", "bad"],
  cancelled: ["Cancelled", ""],
  expired: ["Not decided in time", "bad"],
  reversed: ["Given back", ""],
  timed_out: ["Ended", ""],
  active: ["Ready to use", "good"],
  used: ["Used", ""],
};

export const state = (status) => STATES[status] ?? [label(status), ""];

const REDEMPTIONS = {
  ticket: "On a ticket",
  gift_card: "Gift card",
  cash: "Paid out",
  coupon: "Coupon",
  reward: "Reward",
};

export const redemptionName = (kind) => REDEMPTIONS[kind] ?? label(kind);

// "1,250 qualifying points": how far a tier is.
export const missing = (progress) => `${number(progress.points_needed)} more until ${label(progress.next_tier)}`;

const PROBLEMS = {
  not_found: () => "There is no such member among those with whom you may share points.",
  below_minimum: ({ minimum_amount: amount }) => `The smallest redemption is ${amount}.`,
  ticket_too_low: ({ ticket_amount: ticket }) => `The ticket of ${ticket} has to be above what is redeemed on it.`,
  earned_on_same_ticket: ({ spendable }) => `This ticket earned some of these points. At most ${number(spendable)} can be spent on it.`,
  insufficient_points: ({ requested, available }) => `You asked for ${number(requested)} points and have ${number(available)}.`,
  amount_not_whole_points: ({ amount }) => `${amount} is not a whole number of points.`,
  yearly_cap_exceeded: ({ remaining }) => `In this year ${remaining} more can be redeemed.`,
  out_of_stock: () => "It is sold out.",
  reservation_not_open: () => "This is over already.",
};

const PERMITS = {
  same_member: "Points cannot be sent to yourself.",
  outside_circle: "This member is not of your organisation.",
  receiver_inactive: "The other account is not active.",
  below_minimum: "These are too few points for a transfer.",
  disabled: "This program has no transfers.",
};

// The same promise; what is refused is said in the words of a person.
export async function plainly(promise) {
  try {
    return await promise;
  } catch (error) {
    const told = error.document && (PERMITS[error.document.reason] ?? PROBLEMS[error.code]?.(error.document) ?? REFUSALS[error.code]);
    if (told && !error.errors.length) error.message = told;
    throw error;
  }
}
