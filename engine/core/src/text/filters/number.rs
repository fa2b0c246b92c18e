//! Filters on numbers, and Python's random numbers: a seed gives what it gives in Ansible.

use sha2::{Digest as _, Sha512};

use super::Filter;
use crate::text::template::{self as t, Call, Here, Number, Outcome, fail, read};
use crate::text::{size, value::Value};

pub const FILTERS: &[Filter] = &[
    Filter::new("int", "value default base", int),
    Filter::new("float", "value default", float),
    Filter::new("abs", "value", abs),
    Filter::new("round", "value precision method", round),
    Filter::new("log", "value base", log),
    Filter::new("pow", "value exponent", |call, _| Ok(Value::Float(numeric(call, 0)?.powf(numeric(call, 1)?)))),
    Filter::new("root", "value base", root),
    Filter::new("human_readable", "value isbits unit", human_readable),
    Filter::new("human_to_bytes", "value default_unit isbits", human_to_bytes),
];

fn int(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let default = || Ok(call.get(1).cloned().unwrap_or(Value::Int(0)));
    let base = u32::try_from(call.int_or(2, 10)?).unwrap_or(10).clamp(2, 36);
    match call.need(0)? {
        Value::Bool(flag) => Ok(Value::Int(i64::from(*flag))),
        Value::Int(int) => Ok(Value::Int(*int)),
        Value::Float(float) if float.is_finite() => Ok(Value::Int(*float as i64)),
        Value::Text(text) => {
            let plain = text.trim().replace('_', "");
            let lower = plain.to_lowercase();
            let digits = match base {
                16 => lower.replacen("0x", "", 1),
                8 => lower.replacen("0o", "", 1),
                2 => lower.replacen("0b", "", 1),
                _ => plain.clone(),
            };
            match i64::from_str_radix(&digits, base) {
                Ok(int) => Ok(Value::Int(int)),
                Err(_) => match plain.parse::<f64>() {
                    Ok(float) if float.is_finite() && base == 10 => Ok(Value::Int(float as i64)),
                    _ => default(),
                },
            }
        }
        _ => default(),
    }
}

fn float(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let parsed = match call.need(0)? {
        Value::Text(text) => text.trim().replace('_', "").parse().ok(),
        other => t::number(other).map(|number| number.float()),
    };
    Ok(parsed.map(Value::Float).or_else(|| call.get(1).cloned()).unwrap_or(Value::Float(0.0)))
}

fn numeric(call: &Call<'_>, at: usize) -> Outcome<f64> {
    match t::number(call.need(at)?) {
        Some(number) => Ok(number.float()),
        None => fail(format!("`{}` takes a number, and this is {}", call.name, call.need(at)?.type_name())),
    }
}

fn abs(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    match t::number(call.need(0)?) {
        Some(Number::Int(int)) => Ok(Value::Int(int.saturating_abs())),
        Some(Number::Float(float)) => Ok(Value::Float(float.abs())),
        None => fail(format!("`abs` takes a number, and this is {}", call.need(0)?.type_name())),
    }
}

/// Half goes to the even neighbour, as in Python.
fn round(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let number = numeric(call, 0)?;
    let precision = i32::try_from(call.int_or(1, 0)?).unwrap_or(0).clamp(-300, 300);
    let method = call.text_or(2, "common")?;
    let factor = 10_f64.powi(precision);
    let rounded = match &*method {
        "ceil" => (number * factor).ceil() / factor,
        "floor" => (number * factor).floor() / factor,
        "common" if precision >= 0 => format!("{number:.*}", precision as usize).parse().unwrap_or(number),
        "common" => (number * factor).round_ties_even() / factor,
        other => return fail(format!("`round` has no method `{other}`; it is one of common, ceil, floor")),
    };
    if let (Value::Int(int), "common") = (call.need(0)?, &*method) {
        return Ok(Value::Int(if precision >= 0 { *int } else { rounded as i64 }));
    }
    Ok(Value::Float(rounded))
}

fn log(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let number = numeric(call, 0)?;
    if number <= 0.0 {
        return fail("`log` takes a number over zero");
    }
    Ok(Value::Float(match call.given(1)? {
        Some(_) if numeric(call, 1)? == 10.0 => number.log10(),
        Some(_) => number.ln() / numeric(call, 1)?.ln(),
        None => number.ln(),
    }))
}

fn root(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let base = if call.given(1)?.is_some() { numeric(call, 1)? } else { 2.0 };
    let number = numeric(call, 0)?;
    Ok(Value::Float(if base == 2.0 { number.sqrt() } else { number.powf(1.0 / base) }))
}

fn human_readable(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let size = match call.need(0)? {
        Value::Text(text) => match text.parse::<f64>() {
            Ok(size) => size,
            Err(_) => return fail("`human_readable` takes a number"),
        },
        _ => numeric(call, 0)?,
    };
    let base = if call.flag(1, false)? { "bits" } else { "Bytes" };
    let unit = call.given(2)?.map(t::python_text).transpose()?.map(|unit| unit.to_uppercase());
    let (suffix, limit) = size::UNITS
        .iter()
        .find(|(suffix, power)| match &unit {
            Some(unit) => unit == suffix,
            None => size >= size::of(*power),
        })
        .copied()
        .unwrap_or(("B", 0));
    let suffix = if limit == 0 { base.to_string() } else { format!("{suffix}{}", &base[..1]) };
    Ok(Value::text(format!("{:.2} {suffix}", size / size::of(limit))))
}

fn human_to_bytes(call: &Call<'_>, _: &Here<'_>) -> Outcome<Value> {
    let default = call.given(1)?.map(t::python_text).transpose()?.unwrap_or_default().to_string();
    match size::bytes(&call.text(0)?, &default, call.flag(2, false)?) {
        Ok(size) => Ok(Value::Int(size)),
        Err(why) => fail(why),
    }
}

/// Python's generator of random numbers (a Mersenne twister), or the system's where there is no seed.
pub struct Random<'a> {
    state: Vec<u32>,
    at: usize,
    system: Option<&'a Here<'a>>,
}

impl<'a> Random<'a> {
    pub fn new(seed: Option<&Value>, here: &'a Here<'a>) -> Outcome<Random<'a>> {
        let Some(seed) = seed else { return Ok(Random { state: vec![], at: 0, system: Some(here) }) };
        let key: Vec<u32> = match read(seed) {
            Value::Int(int) => {
                let size = int.unsigned_abs();
                if size >> 32 == 0 { vec![size as u32] } else { vec![size as u32, (size >> 32) as u32] }
            }
            Value::Bool(flag) => vec![u32::from(*flag)],
            other => {
                // a text is read as one large number: its bytes, then their SHA-512
                let text = t::python_text(other)?;
                let mut bytes = text.as_bytes().to_vec();
                bytes.extend(Sha512::digest(text.as_bytes()));
                let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
                bytes[first..].rchunks(4).map(|chunk| chunk.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))).collect()
            }
        };
        let mut random = Random { state: twisted(19_650_218), at: 624, system: None };
        random.seed(&key);
        Ok(random)
    }

    fn seed(&mut self, key: &[u32]) {
        let mt = &mut self.state;
        let (mut i, mut j) = (1, 0);
        for _ in 0..key.len().max(624) {
            mt[i] = (mt[i] ^ (mt[i - 1] ^ (mt[i - 1] >> 30)).wrapping_mul(1_664_525)).wrapping_add(key[j]).wrapping_add(j as u32);
            i += 1;
            j += 1;
            if i >= 624 {
                mt[0] = mt[623];
                i = 1;
            }
            if j >= key.len() {
                j = 0;
            }
        }
        for _ in 0..623 {
            mt[i] = (mt[i] ^ (mt[i - 1] ^ (mt[i - 1] >> 30)).wrapping_mul(1_566_083_941)).wrapping_sub(i as u32);
            i += 1;
            if i >= 624 {
                mt[0] = mt[623];
                i = 1;
            }
        }
        mt[0] = 0x8000_0000;
    }

    fn word(&mut self) -> u32 {
        if let Some(here) = self.system {
            let mut bytes = [0; 4];
            here.templates.control.random(&mut bytes);
            return u32::from_le_bytes(bytes);
        }
        if self.at >= 624 {
            for k in 0..624 {
                let y = (self.state[k] & 0x8000_0000) | (self.state[(k + 1) % 624] & 0x7fff_ffff);
                self.state[k] = self.state[(k + 397) % 624] ^ (y >> 1) ^ if y & 1 == 1 { 0x9908_b0df } else { 0 };
            }
            self.at = 0;
        }
        let mut y = self.state[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn bits(&mut self, count: u32) -> u64 {
        if count <= 32 {
            return u64::from(self.word() >> (32 - count));
        }
        let low = u64::from(self.word());
        low | u64::from(self.word() >> (64 - count)) << 32
    }

    /// A number under `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        let count = 64 - limit.leading_zeros();
        if count == 0 {
            return 0;
        }
        loop {
            let drawn = self.bits(count);
            if drawn < limit {
                return drawn;
            }
        }
    }
}

fn twisted(seed: u32) -> Vec<u32> {
    let mut mt = vec![seed; 624];
    for i in 1..624 {
        mt[i] = 1_812_433_253_u32.wrapping_mul(mt[i - 1] ^ (mt[i - 1] >> 30)).wrapping_add(i as u32);
    }
    mt
}
