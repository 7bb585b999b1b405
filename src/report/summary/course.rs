//! How many attempts ended well and badly during the run, in a bounded number of parts.

use std::time::Duration;

/// The most parts of the course; when they do not reach, each becomes twice as long.
pub const MOST_PARTS: usize = 120;

const FIRST_PART_US: u128 = 10_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    pub acknowledged: u64,
    pub failed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    part_us: u128,
    parts: Vec<Interval>,
}

impl Default for Course {
    fn default() -> Self {
        Course { part_us: FIRST_PART_US, parts: Vec::new() }
    }
}

impl Course {
    pub fn part_length(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.part_us).unwrap_or(u64::MAX))
    }

    pub fn parts(&self) -> &[Interval] {
        &self.parts
    }

    pub(super) fn record(&mut self, at: Duration, count: impl FnOnce(&mut Interval)) {
        let micros = at.as_micros();
        while micros / self.part_us >= MOST_PARTS as u128 {
            self.double();
        }
        // The loop above keeps the index below the bound.
        let index = usize::try_from(micros / self.part_us).unwrap_or(MOST_PARTS - 1);
        if self.parts.len() <= index {
            self.parts.resize(index + 1, Interval::default());
        }
        if let Some(part) = self.parts.get_mut(index) {
            count(part);
        }
    }

    fn double(&mut self) {
        self.part_us = self.part_us.saturating_mul(2);
        self.parts = self
            .parts
            .chunks(2)
            .map(|pair| Interval {
                acknowledged: pair.iter().map(|part| part.acknowledged).sum(),
                failed: pair.iter().map(|part| part.failed).sum(),
            })
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_course_of_any_run_has_a_bounded_number_of_parts() {
        let mut course = Course::default();
        for second in 0..3600 {
            course.record(Duration::from_secs(second), |part| part.acknowledged += 1);
        }
        assert!(course.parts().len() <= MOST_PARTS && course.parts().len() > MOST_PARTS / 2);
        assert_eq!(course.parts().iter().map(|part| part.acknowledged).sum::<u64>(), 3600);
        course.record(Duration::MAX, |part| part.failed += 1);
        assert!(course.parts().len() <= MOST_PARTS);
        assert_eq!(course.parts()[0].acknowledged, 3600);
        assert_eq!(course.parts().last().unwrap().failed, 1);
    }

    #[test]
    fn a_course_that_is_full_is_doubled_and_keeps_both_counts() {
        let mut course = Course::default();
        let part = course.part_length();
        for number in 0..120 {
            course.record(part * number, |part| part.failed += 1);
        }
        assert_eq!((course.parts().len(), course.part_length()), (MOST_PARTS, part));
        course.record(part * 120, |part| part.acknowledged += 1);
        assert_eq!((course.parts().len(), course.part_length()), (61, part * 2));
        assert!(
            course.parts()[..60].iter().all(|it| *it == Interval { acknowledged: 0, failed: 2 })
        );
        assert_eq!(course.parts()[60], Interval { acknowledged: 1, failed: 0 });
    }
}
