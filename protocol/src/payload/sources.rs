//! Payloads for tests of what one payload leaves to the next.

use super::{Payload, PayloadMemory};

/// Hands on 600 payloads of a few sources, each parsed in the memory of the one before, and alone.
///
/// Most have the names of the one before in the same order; now and then one comes from another
/// source, a source changes its names, or a name is followed by a space.
pub fn one_after_another(
    names: &[&str],
    values: &[&str],
    mut check: impl FnMut(&Payload<'_>, &Payload<'_>),
) {
    let mut random = fastrand::Rng::with_seed(7);
    let mut memory = PayloadMemory::default();
    let mut sources = vec![Vec::new(); 4];
    for round in 0..600 {
        let at = if random.u8(..4) == 0 { random.usize(..4) } else { round / 150 };
        if random.u8(..20) == 0 {
            sources[at] = names.iter().filter(|_| random.bool()).collect();
            random.shuffle(&mut sources[at]);
        }
        let gap = if random.u8(..30) == 0 { " " } else { "" };
        let mut value = || values[random.usize(..values.len())];
        let members: Vec<String> =
            sources[at].iter().map(|name| format!("\"{name}\"{gap}:{}", value())).collect();
        let text = format!("{{{}}}", members.join(","));
        let payload = Payload::parse_in(text.as_bytes(), memory).unwrap();
        check(&payload, &Payload::parse(text.as_bytes()).unwrap());
        memory = payload.into_memory();
    }
}
