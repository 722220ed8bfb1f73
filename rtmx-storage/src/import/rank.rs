//! Places in the file: sparse numbers, so that a new row moves no other.
//!
//! Rows whose order among each other did not change keep their numbers (the longest increasing
//! subsequence of the stored places); only the others get new ones, in the gaps between.

/// The distance between two rows that are numbered afresh: twenty rows can be put into the same gap,
/// each before the last, until it is used up, and 250,000 rows stay far below 2^53.
const STEP: i64 = 1 << 20;

/// Where a stored row stands: rows without a rank follow the others, by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place<'a> {
    unranked: bool,
    rank: i64,
    id: &'a str,
}

impl<'a> Place<'a> {
    pub(super) fn new(rank: Option<i64>, id: &'a str) -> Self {
        Place { unranked: rank.is_none(), rank: rank.unwrap_or(0), id }
    }
}

/// The ranks of a file's rows, given for each row where it is stored, if it is.
///
/// The answer sorts (by rank, then id, rows without rank last) in the order of the file. A row is
/// left without a rank only if it had none and nothing that moved follows it.
pub(super) fn assign(stored: &[Option<Place<'_>>]) -> Vec<Option<i64>> {
    let mut kept = longest_increasing(stored);
    let last_moved = kept.iter().rposition(|kept| !kept).unwrap_or(0);
    for index in 0..last_moved {
        kept[index] &= stored[index].is_some_and(|place| !place.unranked);
    }
    fill(stored, &kept).unwrap_or_else(|| (1..=stored.len() as i64).map(|n| Some(n * STEP)).collect())
}

/// The rank of a row that follows the last.
pub(super) fn after(last: i64) -> i64 {
    last.saturating_add(STEP)
}

/// `None` if a gap is too small, or the numbers would leave the range that every engine keeps.
fn fill(stored: &[Option<Place<'_>>], kept: &[bool]) -> Option<Vec<Option<i64>>> {
    const RANGE: std::ops::Range<i64> = -(1 << 52)..(1 << 52);
    let rank_at = |index: usize| {
        stored.get(index).copied().flatten().filter(|place| !place.unranked).map(|place| place.rank)
    };
    let mut ranks = Vec::with_capacity(stored.len());
    let mut index = 0;
    while index < stored.len() {
        if kept[index] {
            ranks.push(rank_at(index));
            index += 1;
            continue;
        }
        let end = (index..stored.len()).find(|next| kept[*next]).unwrap_or(stored.len());
        let low = index.checked_sub(1).and_then(|_| ranks[index - 1]);
        let high = if end < stored.len() { rank_at(end) } else { None };
        let count = (end - index) as i64;
        let (first, step) = match (low, high) {
            (Some(low), Some(high)) => {
                let step = high.checked_sub(low)? / (count + 1);
                (low + step, step)
            }
            (None, Some(high)) => (high.checked_sub(count * STEP)?, STEP),
            (Some(low), None) => (low.checked_add(STEP)?, STEP),
            (None, None) => (STEP, STEP),
        };
        if step == 0 || !RANGE.contains(&first) || !RANGE.contains(&(first + count * step)) {
            return None;
        }
        ranks.extend((0..count).map(|n| Some(first + n * step)));
        index = end;
    }
    Some(ranks)
}

/// Which rows belong to the longest subsequence that is in its stored order.
fn longest_increasing(stored: &[Option<Place<'_>>]) -> Vec<bool> {
    // `tails[n]` is the row that ends the best subsequence of n + 1 rows; `before[i]` precedes row i in its.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; stored.len()];
    for (index, place) in stored.iter().enumerate() {
        if place.is_none() {
            continue;
        }
        let length = tails.partition_point(|tail| stored[*tail] < *place);
        before[index] = length.checked_sub(1).map(|shorter| tails[shorter]);
        match tails.get_mut(length) {
            Some(tail) => *tail = index,
            None => tails.push(index),
        }
    }
    let mut kept = vec![false; stored.len()];
    let mut next = tails.last().copied();
    while let Some(index) = next {
        kept[index] = true;
        next = before[index];
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranked(ranks: &[Option<i64>]) -> Vec<Option<i64>> {
        let places: Vec<_> = ranks.iter().map(|rank| rank.map(|rank| Place::new(Some(rank), "x"))).collect();
        assign(&places)
    }

    #[test]
    fn a_new_row_takes_a_number_between_its_neighbours() {
        assert_eq!(ranked(&[None, None]), [Some(STEP), Some(2 * STEP)]);
        assert_eq!(ranked(&[Some(10), None, Some(20)]), [Some(10), Some(15), Some(20)]);
        assert_eq!(ranked(&[None, Some(10)]), [Some(10 - STEP), Some(10)]);
        assert_eq!(ranked(&[Some(10), None]), [Some(10), Some(10 + STEP)]);
        assert_eq!(ranked(&[Some(30), Some(10), Some(20)]), [Some(10 - STEP), Some(10), Some(20)]);
    }

    #[test]
    fn a_gap_that_is_used_up_renumbers_all_rows() {
        assert_eq!(ranked(&[Some(1), None, Some(2)]), [Some(STEP), Some(2 * STEP), Some(3 * STEP)]);
        assert_eq!(ranked(&[Some(i64::MAX), None]), [Some(STEP), Some(2 * STEP)]);
    }

    #[test]
    fn rows_without_rank_stay_so_at_the_end_and_get_one_before_a_new_row() {
        let places =
            [Some(Place::new(Some(5), "a")), Some(Place::new(None, "b")), Some(Place::new(None, "c"))];
        assert_eq!(assign(&places), [Some(5), None, None]);
        let places = [places[0], places[1], None, places[2]];
        assert_eq!(assign(&places), [Some(5), Some(5 + STEP), Some(5 + 2 * STEP), None]);
    }

    proptest! {
        #[test]
        fn ranks_always_sort_in_the_order_of_the_file(
            rows in proptest::collection::vec(proptest::option::of(proptest::option::of(-50i64..50)), 0..40),
        ) {
            let ids: Vec<String> = (0..rows.len()).map(|n| format!("R{:02}", (n * 7) % 40)).collect();
            let places: Vec<_> =
                rows.iter().zip(&ids).map(|(row, id)| row.map(|rank| Place::new(rank, id))).collect();
            let ranks = assign(&places);
            let sorted: Vec<_> = ranks.iter().zip(&ids).map(|(rank, id)| Place::new(*rank, id)).collect();
            prop_assert!(sorted.is_sorted(), "{:?}", ranks);
            prop_assert_eq!(assign(&sorted.iter().map(|place| Some(*place)).collect::<Vec<_>>()), ranks);
        }
    }
}
