//! Places of a limited number, and who gives way when all of them are taken.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Network, Source};

/// Places that connections hold, counted in each [network](Source::networks) of their sources.
///
/// When all places are taken, one of the network that holds most gives way to a newcomer whose network holds fewer. A
/// stranger with many addresses therefore displaces its own connections first, and an honest client finds a place as
/// soon as one connection gives way, however many places the stranger holds.
///
/// A `K` names one place. Later places have greater names.
#[derive(Debug)]
pub struct Places<K> {
    /// The source of each place, the oldest place first.
    sources: BTreeMap<K, Source>,
    by_source: BTreeMap<Network, BTreeSet<K>>,
    held: BTreeMap<Network, usize>,
    /// An entry for each network: the network around it (`None` for the widest), the number of its places, and itself.
    ranking: BTreeSet<(Option<Network>, usize, Network)>,
}

impl<K> Default for Places<K> {
    fn default() -> Self {
        Self { sources: BTreeMap::new(), by_source: BTreeMap::new(), held: BTreeMap::new(), ranking: BTreeSet::new() }
    }
}

impl<K: Copy + Ord> Places<K> {
    /// The number of places that are taken.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether no place is taken.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The number of places that `source` holds.
    pub fn held_by(&self, source: Source) -> usize {
        self.held(source.network())
    }

    /// The oldest place.
    pub fn oldest(&self) -> Option<K> {
        self.sources.first_key_value().map(|(place, _)| *place)
    }

    /// Takes a place for `source`, unless it is taken.
    pub fn take(&mut self, place: K, source: Source) {
        if self.sources.contains_key(&place) {
            return;
        }
        self.sources.insert(place, source);
        self.by_source.entry(source.network()).or_default().insert(place);
        self.count(source, |held| held + 1);
    }

    /// Frees a place. Returns its source, or `None` if the place was not taken.
    pub fn free(&mut self, place: K) -> Option<Source> {
        let source = self.sources.remove(&place)?;
        if let Some(places) = self.by_source.get_mut(&source.network()) {
            places.remove(&place);
            if places.is_empty() {
                self.by_source.remove(&source.network());
            }
        }
        self.count(source, |held| held - 1);
        Some(source)
    }

    /// The place that gives way to `newcomer`: the oldest of the source that holds most in the network that holds most,
    /// if that network then still holds at least as many as the newcomer's. If it does not, the narrower networks in
    /// the newcomer's are compared in the same way. Only places that `may_give_way` admits are considered.
    pub fn giving_way(&self, newcomer: Source, mut may_give_way: impl FnMut(K, Source) -> bool) -> Option<K> {
        let mut around = None;
        for own in newcomer.networks() {
            let mut larger = self.ranked(around, self.held(own) + 2);
            if let Some(place) = larger.find_map(|network| self.oldest_in(network, &mut may_give_way)) {
                return Some(place);
            }
            around = Some(own);
        }
        None
    }

    /// The oldest place that `may_give_way` admits, if the widest network of `newcomer` holds fewer places than
    /// another. For the case that no place [gives way](Self::giving_way): the places are then held by many networks
    /// that hold few each, and the newcomer's would hold as many.
    pub fn oldest_for(&self, newcomer: Source, mut may_give_way: impl FnMut(K, Source) -> bool) -> Option<K> {
        let own = newcomer.networks().next().map_or(0, |network| self.held(network));
        self.ranked(None, own + 1).next()?;
        self.sources.iter().find(|(place, source)| may_give_way(**place, **source)).map(|(place, _)| *place)
    }

    /// The oldest admitted place of the source that holds most in `network`.
    fn oldest_in(&self, network: Network, may_give_way: &mut impl FnMut(K, Source) -> bool) -> Option<K> {
        if let Some(places) = self.by_source.get(&network) {
            let admitted = |place: &&K| self.sources.get(*place).is_some_and(|source| may_give_way(**place, *source));
            return places.iter().find(admitted).copied();
        }
        self.ranked(Some(network), 0).find_map(|inner| self.oldest_in(inner, may_give_way))
    }

    /// The networks in `around` that hold `least` places or more, those that hold most first.
    fn ranked(&self, around: Option<Network>, least: usize) -> impl Iterator<Item = Network> {
        let range = (around, least, Network::FIRST)..=(around, usize::MAX, Network::LAST);
        self.ranking.range(range).rev().map(|(_, _, network)| *network)
    }

    fn held(&self, network: Network) -> usize {
        self.held.get(&network).copied().unwrap_or(0)
    }

    fn count(&mut self, source: Source, change: impl Fn(usize) -> usize) {
        let mut around = None;
        for network in source.networks() {
            let before = self.held(network);
            let after = change(before);
            self.ranking.remove(&(around, before, network));
            if after == 0 {
                self.held.remove(&network);
            } else {
                self.held.insert(network, after);
                self.ranking.insert((around, after, network));
            }
            around = Some(network);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn source(ip: &str) -> Source {
        ip.parse::<IpAddr>().unwrap().into()
    }

    /// Takes places, numbered from 0, for these sources.
    fn taken(ips: impl IntoIterator<Item = String>) -> Places<usize> {
        let mut places = Places::default();
        ips.into_iter().enumerate().for_each(|(place, ip)| places.take(place, source(&ip)));
        places
    }

    fn giving_way(places: &Places<usize>, newcomer: &str) -> Option<usize> {
        places.giving_way(source(newcomer), |_, _| true)
    }

    #[test]
    fn the_network_that_holds_most_gives_way_until_it_holds_as_many_as_the_newcomers() {
        let mut places = taken((0..10).map(|number| format!("2001:db8:1:{:x}::1", number % 5)));
        for number in 10..15 {
            let newcomer = format!("203.0.113.{number}");
            let displaced = giving_way(&places, &newcomer).unwrap();
            assert!(places.free(displaced).is_some());
            places.take(number, source(&newcomer));
        }
        assert_eq!(giving_way(&places, "203.0.113.99"), None, "five for each of the two networks");
        assert!(giving_way(&places, "198.51.100.1").is_some(), "a third network");
    }

    #[test]
    fn inside_a_network_the_source_that_holds_most_gives_way() {
        let places = taken(["192.0.2.7"].into_iter().chain(["192.0.2.1"; 9]).map(String::from));
        assert_eq!(giving_way(&places, "198.51.100.1"), Some(1), "not the neighbour, who is older");
        assert_eq!(giving_way(&places, "192.0.2.8"), Some(1), "to another neighbour");
        assert_eq!(giving_way(&places, "192.0.2.1"), None, "to more of the same");
    }

    #[test]
    fn places_that_may_not_give_way_are_passed_over() {
        let ips = ["192.0.2.1", "192.0.2.1", "192.0.2.1", "198.51.100.1", "198.51.100.1"];
        let places = taken(ips.map(String::from));
        let newcomer = source("203.0.113.1");
        assert_eq!(places.giving_way(newcomer, |place, _| place > 0), Some(1));
        assert_eq!(
            places.giving_way(newcomer, |place, _| place > 2),
            Some(3),
            "of the network that holds the next most"
        );
        assert_eq!(places.giving_way(newcomer, |_, _| false), None);
    }

    #[test]
    fn among_many_networks_that_hold_one_each_the_oldest_gives_way_to_a_new_network_only() {
        let places = taken((1..=50).map(|number| format!("10.0.{number}.1")));
        assert_eq!(giving_way(&places, "10.0.51.1"), None);
        assert_eq!(places.oldest_for(source("10.0.51.1"), |_, _| true), Some(0));
        assert_eq!(places.oldest_for(source("10.0.51.1"), |_, source_of| source_of != source("10.0.1.1")), Some(1));
        assert_eq!(places.oldest_for(source("10.0.7.9"), |_, _| true), None);
    }

    proptest::proptest! {
        #[test]
        fn the_counts_are_those_of_the_places(
            steps in proptest::collection::vec((0_usize..40, 0_u8..4, 0_u8..3, proptest::bool::ANY), 0..200),
        ) {
            let mut places = Places::default();
            let mut expected: BTreeMap<usize, Source> = BTreeMap::new();
            for (place, net, host, is_taken) in steps {
                let from = source(&format!("2001:db8:{net}:{host}00::1"));
                if is_taken {
                    places.take(place, from);
                    expected.entry(place).or_insert(from);
                } else {
                    proptest::prop_assert_eq!(places.free(place), expected.remove(&place));
                }
                let mut held: BTreeMap<Network, usize> = BTreeMap::new();
                for network in expected.values().flat_map(|source| source.networks()) {
                    *held.entry(network).or_default() += 1;
                }
                proptest::prop_assert_eq!(&places.held, &held);
                proptest::prop_assert_eq!(places.ranking.len(), held.len());
                proptest::prop_assert_eq!(places.len(), expected.len());
                proptest::prop_assert_eq!(places.by_source.values().map(BTreeSet::len).sum::<usize>(), expected.len());
            }
        }
    }
}
