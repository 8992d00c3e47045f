/// The shard of an aggregate: FNV-1a over its id, then the finaliser of SplitMix64, since the high bits of FNV differ
/// little between short ids. Frozen, so that figures and traces of different versions compare.
pub(crate) fn shard_of(aggregate_id: &str, shards: usize) -> usize {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let hash = aggregate_id
        .bytes()
        .fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let hash = hash ^ (hash >> 31);
    ((u128::from(hash) * shards as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::shard_of;

    #[test]
    fn ids_are_routed_as_they_always_were() {
        let routed: Vec<usize> = ["", "ORD-001", "ORD-002", "ORD-003", "ä", "a/b"]
            .map(|id| shard_of(id, 8))
            .into();
        assert_eq!(routed, [7, 5, 5, 2, 7, 3]);
    }

    #[test]
    fn ids_spread_evenly() {
        let mut shards = [0; 8];
        for n in 0..8_000 {
            shards[shard_of(&format!("ORD-{n}"), 8)] += 1;
        }
        assert!(shards.iter().all(|n| (700..1_300).contains(n)), "{shards:?}");
    }
}
