//! The one source of chance: a counter that is mixed, so that a number names everything that follows.

/// A stream of numbers that its first number decides.
///
/// Source: the mixing function is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
#[derive(Debug, Clone, Default)]
pub(crate) struct Seed(u64);

impl Seed {
    /// The stream of a number.
    pub(crate) fn new(number: u64) -> Seed {
        Seed(number)
    }

    /// The stream of several numbers together; another order is another stream.
    pub(crate) fn of(numbers: &[u64]) -> Seed {
        let mut seed = Seed(0x5254_4D58);
        for number in numbers {
            seed.0 = seed.next() ^ *number;
        }
        seed
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("lengths fit into 64 bits");
        usize::try_from(self.next() % limit).expect("it is below a length")
    }

    /// Whether something happens that happens in `percent` of cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}
