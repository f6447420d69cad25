// What points are worth by the program, exactly: whole numbers of the currency's smallest unit.

import { money } from "../core/format.js";

export function worth(points, program) {
  const { points: per, amount } = program.point_value;
  const digits = decimals(program.currency);
  const unit = 10n ** BigInt(digits);
  const [whole, fraction = ""] = amount.split(".");
  const scale = 10n ** BigInt(fraction.length);
  const units = (BigInt(points) * (BigInt(whole) * scale + BigInt(fraction || "0")) * unit) / (BigInt(per) * scale);
  const rest = digits ? `.${(units % unit).toString().padStart(digits, "0")}` : "";
  return { amount: `${units / unit}${rest}`, currency: program.currency };
}

export const worthText = (points, program) => money(worth(points, program));

const decimals = (currency) =>
  new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
