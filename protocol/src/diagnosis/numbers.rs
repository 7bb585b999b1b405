//! How languages print a number that they read as floating point.

use std::ops::Range;

/// A number with its shortest digits: `-1.25e3` has the mantissa `-1.25` and the exponent 3.
struct Float {
    number: f64,
    mantissa: String,
    exponent: i32,
}

impl Float {
    fn of(number: f64) -> Float {
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent = exponent.parse().unwrap_or_default();
        Float { number, mantissa: mantissa.to_owned(), exponent }
    }

    /// A finite number.
    fn parse(text: &str) -> Option<Float> {
        text.parse().ok().filter(|number: &f64| number.is_finite()).map(Float::of)
    }

    fn with_point(self) -> Float {
        Float { mantissa: with_point(self.mantissa), ..self }
    }

    /// Plain where the exponent is one of these, else with so many digits of it at least.
    fn print(&self, plain: Range<i32>, letter: char, width: usize) -> String {
        let Float { number, mantissa, exponent } = self;
        if plain.contains(exponent) {
            return format!("{number}");
        }
        let way = if *exponent < 0 { '-' } else { '+' };
        format!("{mantissa}{letter}{way}{:0width$}", exponent.abs())
    }
}

fn with_point(digits: String) -> String {
    if digits.contains('.') { digits } else { format!("{digits}.0") }
}

/// Java `Double.toString`: `400000.0`, `1.567614049E9`.
pub(super) fn java_double(text: &str) -> Option<String> {
    let float = Float::parse(text)?.with_point();
    if float.number == 0.0 || (1e-3..1e7).contains(&float.number.abs()) {
        return python_float(text);
    }
    Some(format!("{}E{}", float.mantissa, float.exponent))
}

/// Python `str(float)`: `400000.0`, `1567614049.0`.
pub(super) fn python_float(text: &str) -> Option<String> {
    let float = Float::parse(text)?;
    let printed = float.print(-4..16, 'e', 2);
    Some(if printed.contains('e') { printed } else { with_point(printed) })
}

/// Go `fmt.Sprint(float64)` and C `%g` of the shortest digits: `400000`, `1.567614049e+09`.
pub(super) fn go_float(text: &str) -> Option<String> {
    Some(Float::parse(text)?.print(-4..6, 'e', 2))
}

/// C `%g`, with its six digits: `400000`, `1.56761e+09`.
pub(super) fn c_float(text: &str) -> Option<String> {
    let rounded = format!("{:.5e}", Float::parse(text)?.number).parse().ok()?;
    Some(Float::of(rounded).print(-4..6, 'e', 2))
}

/// JavaScript `String(number)`: digits beyond 2^53 are lost, an exponent from 1e+21 on.
pub(super) fn js_number(text: &str) -> Option<String> {
    let float = Float::parse(text)?;
    Some(if float.number == 0.0 { "0".to_owned() } else { float.print(-6..21, 'e', 0) })
}

/// PHP `(string)` of a float with `precision=14`: `1.2345678901235E+19`.
pub(super) fn php_float(text: &str) -> Option<String> {
    let rounded = format!("{:.13e}", Float::parse(text)?.number).parse().ok()?;
    Some(Float::of(rounded).with_point().print(-4..14, 'E', 0))
}

/// PHP's `json_encode()` of a float: `1.2345678901234567e+19`, and `1000` for `1000.0`.
fn php_json_float(text: &str) -> Option<String> {
    Some(Float::parse(text)?.with_point().print(-4..17, 'e', 0))
}

/// A whole number beyond 32 bits, as much of it as they hold.
pub(super) fn int32(text: &str) -> Option<String> {
    let number: i128 = text.parse().ok()?;
    i32::try_from(number).is_err().then(|| (number as i32).to_string())
}

/// As [`int32`], without a sign.
pub(super) fn uint32(text: &str) -> Option<String> {
    let number: i128 = text.parse().ok()?;
    u32::try_from(number).is_err().then(|| (number as u32).to_string())
}

/// A whole number beyond 32 bits, in their place the largest.
pub(super) fn int32_limit(text: &str) -> Option<String> {
    let number: i128 = text.parse().ok()?;
    let limit = if number < 0 { i32::MIN } else { i32::MAX };
    i32::try_from(number).is_err().then(|| limit.to_string())
}

fn is_whole(text: &str) -> bool {
    !text.contains(['.', 'e', 'E'])
}

/// A whole number that fits 64 bits stays as it is; anything else is printed as a float.
fn whole_or(text: &str, print: fn(&str) -> Option<String>) -> Option<String> {
    text.parse::<i64>().map_or_else(|_| print(text), |whole| Some(whole.to_string()))
}

pub(super) fn php_number(text: &str) -> Option<String> {
    whole_or(text, php_float)
}

pub(super) fn php_json(text: &str) -> Option<String> {
    whole_or(text, php_json_float)
}

pub(super) fn python_number(text: &str) -> Option<String> {
    if is_whole(text) { None } else { python_float(text) }
}

pub(super) fn java_number(text: &str) -> Option<String> {
    if is_whole(text) { None } else { java_double(text) }
}

/// The longest decimal that is written out, in digits: a hostile exponent asks for millions.
const MAX_DIGITS: i64 = 400;

fn decimal(text: &str) -> Option<(&'static str, String, i64)> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let significant = digits.trim_start_matches('0');
    let digits = if significant.is_empty() { "0" } else { significant }.to_owned();
    (scale.abs() < MAX_DIGITS && digits.len() < 400).then_some((sign, digits, scale))
}

fn plain_decimal(sign: &str, digits: &str, scale: i64) -> String {
    let places = usize::try_from(scale).unwrap_or_default();
    if scale <= 0 {
        let zeros = usize::try_from(-scale).unwrap_or_default();
        return match digits {
            "0" => digits.to_owned(),
            _ => format!("{sign}{digits}{}", "0".repeat(zeros)),
        };
    }
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    format!("{sign}{whole}.{fraction}")
}

fn decimal_string((sign, digits, scale): (&str, String, i64)) -> String {
    let exponent = i64::try_from(digits.len()).unwrap_or_default() - 1 - scale;
    if scale >= 0 && exponent >= -6 {
        return plain_decimal(sign, &digits, scale);
    }
    let point = if digits.len() > 1 { "." } else { "" };
    format!("{sign}{}{point}{}E{exponent:+}", &digits[..1], &digits[1..])
}

fn stripped(text: &str) -> Option<(&'static str, String, i64)> {
    let (sign, digits, scale) = decimal(text)?;
    let short = digits.trim_end_matches('0');
    if short.is_empty() {
        return Some(("", "0".to_owned(), 0));
    }
    let zeros = i64::try_from(digits.len() - short.len()).ok()?;
    Some((sign, short.to_owned(), scale - zeros))
}

/// Java `new BigDecimal(text).toString()`: `1E5` → `1E+5`.
pub(super) fn big_decimal(text: &str) -> Option<String> {
    decimal(text).map(decimal_string)
}

/// Java `BigDecimal.stripTrailingZeros().toString()`: `1000.0000` → `1E+3`.
pub(super) fn stripped_decimal(text: &str) -> Option<String> {
    stripped(text).map(decimal_string)
}

/// Written out without an exponent: `1E5` → `100000`.
pub(super) fn plain_number(text: &str) -> Option<String> {
    decimal(text).map(|(sign, digits, scale)| plain_decimal(sign, &digits, scale))
}

/// A number with a comma between thousands: `400000` → `400,000`.
pub(super) fn thousands(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(w, f)| (w, Some(f)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |rest| ("-", rest));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut out = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    Some(fraction.map_or(out.clone(), |fraction| format!("{out}.{fraction}")))
}

/// A number with two decimals and a comma between thousands: `400000` → `400,000.00`.
pub(super) fn thousands_and_decimals(text: &str) -> Option<String> {
    thousands(&two_decimals(text)?)
}

/// A decimal re-printed without its trailing zeros: `1000.0000` → `1000`, `1.10` → `1.1`.
pub(super) fn reprinted(text: &str) -> Option<String> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    let (_, fraction) = text.split_once('.')?;
    if !is_decimal || fraction.is_empty() || Float::parse(text).is_none() {
        return None;
    }
    Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

/// A number with exactly two decimals: `400000` → `400000.00`.
pub(super) fn two_decimals(text: &str) -> Option<String> {
    Float::parse(text).map(|float| format!("{:.2}", float.number))
}

/// The whole part only: `1000.0000` → `1000`, and `-0.5` → `0`.
pub(super) fn truncated(text: &str) -> Option<String> {
    let number = Float::parse(text)?.number;
    (number.abs() < 9e15).then(|| format!("{}", number.trunc() + 0.0))
}

/// Cents as the major unit with two decimals: `400000` → `4000.00`.
pub(super) fn yuan(text: &str) -> Option<String> {
    let cents: i64 = text.parse().ok()?;
    Some(crate::notification::major_units(cents))
}

/// `%e`, with so many digits of the exponent: `400000` → `4.000000e+05`.
pub(super) fn exponent(text: &str, digits: usize) -> Option<String> {
    let text = format!("{:.6e}", Float::parse(text)?.number);
    let (mantissa, exponent) = text.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (letter, way) = (if digits > 2 { 'E' } else { 'e' }, if exponent < 0 { '-' } else { '+' });
    Some(format!("{mantissa}{letter}{way}{:0digits$}", exponent.abs()))
}

/// Ruby `BigDecimal#to_s`: `400000` → `0.4e6`.
pub(super) fn ruby_decimal(text: &str) -> Option<String> {
    let (sign, digits, scale) = stripped(text)?;
    let exponent = i64::try_from(digits.len()).ok()? - scale;
    Some(if digits == "0" { "0.0".to_owned() } else { format!("{sign}0.{digits}e{exponent}") })
}

/// An amount times 100: `400000` → `40000000`.
pub(super) fn hundredfold(text: &str) -> Option<String> {
    text.parse::<i64>().ok()?.checked_mul(100).map(|cents| cents.to_string())
}

/// Cents as the major unit in a float: `400000` → `4000.0`, `3250` → `32.5`.
pub(super) fn float_yuan(text: &str) -> Option<String> {
    python_float(&yuan(text)?)
}

/// Cents as the major unit, trailing zeros dropped: `400000` → `4000`, `3250` → `32.5`.
pub(super) fn short_yuan(text: &str) -> Option<String> {
    reprinted(&yuan(text)?)
}

/// A number times a power of ten, with so many decimals or as few as it needs; `None` where decimals
/// would be lost.
pub(super) fn scaled(text: &str, power: i64, decimals: Option<usize>) -> Option<String> {
    let (sign, digits, scale) = decimal(text)?;
    let plain = plain_decimal(sign, &digits, scale.checked_sub(power)?);
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let short = fraction.trim_end_matches('0');
    match decimals {
        None if short.is_empty() => Some(whole.to_owned()),
        None => Some(format!("{whole}.{short}")),
        Some(count) if short.len() > count => None,
        Some(0) => Some(whole.to_owned()),
        Some(count) => Some(format!("{whole}.{short:0<count$}")),
    }
}

/// An amount in another unit, with other decimals, another decimal mark, and groups.
#[derive(Clone, Copy)]
pub(super) struct Format {
    power: i64,
    decimals: Option<usize>,
    mark: char,
    group: &'static str,
    /// A currency before the amount.
    currency: &'static str,
    /// Groups of two after the first three, as in India.
    is_indian: bool,
}

const GROUPS: [&str; 8] = ["", ",", ".", " ", "\u{a0}", "\u{202f}", "'", "’"];

/// Before the amount, or after it where it begins with a space.
const CURRENCIES: [&str; 26] = [
    "$ ",
    "R$ ",
    "€ ",
    "Rp ",
    "£ ",
    "₹ ",
    " €",
    "\u{a0}€",
    " $",
    " USD",
    " CNY",
    " ₫",
    "\u{a0}₫",
    " VND",
    "$",
    "¥",
    "￥",
    "€",
    "£",
    "₹",
    "₫",
    "US$",
    "R$",
    "Rp",
    "CNY ",
    "USD ",
];

/// The powers of ten of units that are usual, and of others, which take longer.
pub(super) const POWERS: [&[i64]; 2] = [&[0, -2, 2], &[-1, 1, -3, 3, -4, 4, 6, -6]];

pub(super) fn formats(powers: &[i64]) -> Vec<Format> {
    let decimals = [None, Some(0), Some(1), Some(2), Some(3), Some(4), Some(5), Some(6), Some(8)];
    let mut found = Vec::new();
    for power in powers.iter().copied() {
        for mark in ['.', ','] {
            for decimals in decimals {
                let is_usual = matches!(power, 0 | -2) && matches!(decimals, None | Some(0 | 2));
                let groups = if is_usual { &GROUPS[..] } else { &GROUPS[..1] };
                for group in groups.iter().filter(|group| !group.starts_with(mark)) {
                    let format =
                        Format { power, decimals, mark, group, currency: "", is_indian: false };
                    found.push(format);
                    if *group == "," {
                        found.push(Format { is_indian: true, ..format });
                    }
                    if decimals == Some(2) && ["", ",", "."].contains(group) && is_usual {
                        let with_currency = |currency| Format { currency, ..format };
                        found.extend(CURRENCIES.map(with_currency));
                    }
                }
            }
        }
    }
    found
}

impl Format {
    pub(super) fn print(&self, text: &str) -> Option<String> {
        let plain = scaled(text, self.power, self.decimals)?;
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |rest| ("-", rest));
        let is_after = self.currency.starts_with(char::is_whitespace);
        let mut out = format!("{sign}{}", if is_after { "" } else { self.currency });
        for (at, digit) in digits.chars().enumerate() {
            let left = digits.len() - at;
            let is_start = if self.is_indian {
                left == 3 || (left > 3 && left % 2 == 1)
            } else {
                left.is_multiple_of(3)
            };
            if at > 0 && is_start {
                out.push_str(self.group);
            }
            out.push(digit);
        }
        if !fraction.is_empty() {
            out.push(self.mark);
            out.push_str(fraction);
        }
        if is_after {
            out.push_str(self.currency);
        }
        Some(out)
    }

    pub(super) fn description(&self) -> String {
        let mut words = Vec::new();
        match self.power {
            0 => {}
            power @ ..0 => words.push(format!(
                "divided by {}",
                10_i64.pow(power.unsigned_abs().try_into().unwrap_or_default())
            )),
            power => {
                words.push(format!("times {}", 10_i64.pow(power.try_into().unwrap_or_default())))
            }
        }
        const COUNTS: [&str; 9] = [
            "no decimals",
            "one decimal",
            "two decimals",
            "three decimals",
            "four decimals",
            "five decimals",
            "six decimals",
            "seven decimals",
            "eight decimals",
        ];
        if let Some(count) = self.decimals {
            words.push(format!("with {}", COUNTS.get(count).unwrap_or(&"decimals")));
        }
        if self.mark == ',' {
            words.push("with a decimal comma".to_owned());
        }
        if !self.group.is_empty() {
            let way = if self.is_indian { " in the Indian way" } else { "" };
            words.push(format!("in groups{way}, separated by {:?}", self.group));
        }
        if !self.currency.is_empty() {
            let is_after = self.currency.starts_with(char::is_whitespace);
            let place = if is_after { "before" } else { "after" };
            words.push(format!("{place} {}", self.currency.trim()));
        }
        words.join(", ")
    }

    pub(super) fn cause(&self) -> &'static str {
        if !self.currency.is_empty() {
            return "NumberFormat.getCurrencyInstance(), Intl.NumberFormat with a currency, ToString(\"C\"), a template for people";
        }
        match (self.power, self.mark, self.group, self.decimals) {
            (_, ',', ..) => {
                "String.format(\"%.2f\"), number_format() or ToString(\"F2\") on a server whose locale has a decimal comma (German, French, Vietnamese, Indonesian)"
            }
            (_, _, group, _) if !group.is_empty() => {
                "number_format(), toLocaleString(), NumberFormat or ToString(\"N\"): grouping for people"
            }
            (0, _, _, Some(6)) => {
                "printf with %f, sprintf('%f'), String.format(\"%f\"), to_string() of a double"
            }
            (0, _, _, Some(4)) => "a DECIMAL(18,4) or MONEY column",
            (0, _, _, Some(8)) => "a DECIMAL(20,8) column, as for crypto amounts",
            (0, ..) => "a DECIMAL column, number_format(), toFixed(), \"%.2f\"",
            (-2, ..) => "cents turned into the major unit before the string is made",
            (2, ..) => "an amount taken for the major unit and turned into cents once more",
            _ => "an amount turned into another unit with the wrong power of ten",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_prints_floats_in_its_own_way() {
        let all = |text: &str| {
            [java_double, python_float, go_float, js_number, php_float]
                .map(|print| print(text).unwrap())
        };
        assert_eq!(all("400000"), ["400000.0", "400000.0", "400000", "400000", "400000"]);
        assert_eq!(all("0"), ["0.0", "0.0", "0", "0", "0"]);
        assert_eq!(
            all("1567614049"),
            ["1.567614049E9", "1567614049.0", "1.567614049e+09", "1567614049", "1567614049"]
        );
        assert_eq!(
            all("12345678901234567890"),
            [
                "1.2345678901234567E19",
                "1.2345678901234567e+19",
                "1.2345678901234567e+19",
                "12345678901234567000",
                "1.2345678901235E+19"
            ]
        );
        assert_eq!(java_double("20000000").unwrap(), "2.0E7");
        assert_eq!(js_number("9007199254740993").unwrap(), "9007199254740992");
        assert_eq!(php_number("1234567890123456789").unwrap(), "1234567890123456789");
        assert_eq!(php_json("1E5").unwrap(), "100000");
        assert_eq!(php_json("12345678901234567890").unwrap(), "1.2345678901234567e+19");
    }

    #[test]
    fn decimals_are_written_as_java_writes_them() {
        assert_eq!(big_decimal("1E5").unwrap(), "1E+5");
        assert_eq!(big_decimal("1.10").unwrap(), "1.10");
        assert_eq!(big_decimal("0.0000001").unwrap(), "1E-7");
        assert_eq!(stripped_decimal("1000.0000").unwrap(), "1E+3");
        assert_eq!(stripped_decimal("400000").unwrap(), "4E+5");
        assert_eq!(stripped_decimal("0.50").unwrap(), "0.5");
        assert_eq!(stripped_decimal("0.00").unwrap(), "0");
        assert_eq!(plain_number("-1.5e3").unwrap(), "-1500");
        assert_eq!(plain_number("1e999999999"), None);
        assert_eq!(plain_number("POT1"), None);
        let digits = |count| plain_number(&"1".repeat(count)).map(|text| text.len());
        assert_eq!((digits(399), digits(400)), (Some(399), None));
        assert_eq!(thousands_and_decimals("1234567").unwrap(), "1,234,567.00");
        assert_eq!(thousands("-100").unwrap(), "-100");
    }

    #[test]
    fn decimals_are_reprinted() {
        assert_eq!(reprinted("1000.0000").as_deref(), Some("1000"));
        assert_eq!(reprinted("1.10").as_deref(), Some("1.1"));
        assert_eq!(reprinted("100"), None);
        assert_eq!(two_decimals("5").as_deref(), Some("5.00"));
        assert_eq!(yuan("400000").as_deref(), Some("4000.00"));
        assert_eq!(short_yuan("3250").as_deref(), Some("32.5"));
        assert_eq!(short_yuan("400000").as_deref(), Some("4000"));
    }
}
