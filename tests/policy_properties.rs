//! Laws of the policy's two forms.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use reprieve::policy::{
    Budget, Change, ClockRules, Governance, LedgerRules, Moved, Policy, Rule, SkuRules, Stage, Tier,
};
use reprieve::terms::{Access, is_pattern};
use reprieve::time::Span;

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![Just(0i64), 1..10_000i64, 1..100_000_000i64].prop_map(Span::seconds)
}

fn rule(maintenance: bool) -> impl Strategy<Value = Rule> {
    let access = select(vec![Access::Full, Access::Limited]);
    let stages = (access.clone(), btree_map(1..1_000_000i64, access, 0..4)).prop_map(|(first, later)| {
        let later = later.into_iter().map(|(after, access)| Stage { after: Span::seconds(after), access });
        std::iter::once(Stage { after: Span::ZERO, access: first }).chain(later).collect()
    });
    (span(), stages, span(), any::<bool>()).prop_map(move |(allowance, stages, margin, counts)| Rule {
        allowance,
        stages,
        margin: if maintenance { margin } else { Span::ZERO },
        counts,
    })
}

fn tier() -> impl Strategy<Value = Tier> {
    let budget = of((span(), span()).prop_map(|(limit, window)| Budget { limit, window }));
    let warn = vec((1..1_000_000i64).prop_map(Span::seconds), 0..3);
    (of(span()), budget, warn, of(rule(false)), of(rule(false)), of(rule(false)), of(rule(true))).prop_map(
        |(first_use_horizon, budget, warn, network, server, unknown, maintenance)| Tier {
            first_use_horizon,
            budget,
            warn,
            network,
            server,
            unknown,
            maintenance,
        },
    )
}

prop_compose! {
    fn policy()(
        tiers in btree_map("[a-zA-Z0-9._:@/+-]{1,6}", tier(), 1..4),
        version in 0..=i64::MAX as u64,
        rules in (span(), span(), span(), span(), span(), any::<bool>(), 1..=u32::MAX, span()),
        changes in vec((0..9u64, "20[0-9]{2}-0[1-9]-[12][0-8]", any::<String>()), 0..3),
    )(
        names in Just(tiers.keys().cloned().collect::<Vec<_>>()),
        default_tier in of(select(tiers.keys().cloned().collect::<Vec<_>>())),
        skus in btree_map("[a-z.]{1,4}", (of(select(tiers.keys().cloned().collect::<Vec<_>>())), btree_map(
            "([a-c]|[a-c][.][a-c]|[*]|[a-c][.][*])", select(tiers.keys().cloned().collect::<Vec<_>>()), 0..4)), 0..3),
        tiers in Just(tiers),
        version in Just(version),
        rules in Just(rules),
        changes in Just(changes),
    ) -> Policy {
        assert!(!names.is_empty());
        let (tolerance, max_leap, settle, suspect_limit, ledger_limit, moved, approvals, max_extension) = rules;
        Policy {
            schema: 1,
            id: "p".into(),
            version,
            default_tier,
            clock: ClockRules { tolerance, max_leap, settle, suspect_limit },
            ledger: LedgerRules {
                suspect_limit: ledger_limit,
                moved: if moved { Moved::Suspect } else { Moved::Ignore },
            },
            governance: Governance { approvals, max_extension },
            tiers,
            skus: skus.into_iter().map(|(name, (tier, features))| (name, SkuRules { tier, features })).collect(),
            changes: changes.into_iter().map(|(version, date, summary)| Change { version, date, summary }).collect(),
        }
    }
}

/// Rule P1 once more, word by word.
fn tier_by_p1<'a>(policy: &'a Policy, sku: &str, feature: &str) -> Option<&'a String> {
    static NONE: BTreeMap<String, String> = BTreeMap::new();
    let rules = policy.skus.get(sku);
    let features = rules.map_or(&NONE, |rules| &rules.features);
    if let Some(tier) = features.get(feature) {
        return Some(tier);
    }
    let mut above = feature.to_owned();
    while let Some(dot) = above.rfind('.') {
        above.truncate(dot);
        if let Some(tier) = features.get(&format!("{above}.*")) {
            return Some(tier);
        }
    }
    features.get("*").or(rules.and_then(|rules| rules.tier.as_ref())).or(policy.default_tier.as_ref())
}

#[test]
fn the_policies_of_the_scenarios() {
    let mut read = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let scenario: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            if let Some(policy) = scenario.get("policy") {
                Policy::from_json(policy).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                read += 1;
            }
        }
    }
    assert!(read > 0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_there_and_back(policy in policy()) {
        let json = policy.to_json();
        prop_assert_eq!(&Policy::from_json(&json).unwrap(), &policy);
        prop_assert_eq!(&Policy::from_json_text(&serde_json::to_string_pretty(&json).unwrap()).unwrap(), &policy);
    }

    #[test]
    fn a_features_tier(policy in policy(), sku in "[a-z.]{1,2}", feature in "[a-c]([.][a-c]){0,2}") {
        let skus: Vec<String> = policy.skus.keys().cloned().chain([sku]).collect();
        for sku in skus {
            prop_assert!(policy.skus.get(&sku).is_none_or(|rules| rules.features.keys().all(|key| is_pattern(key))));
            let found = policy.tier(&sku, &feature).map(|(name, _)| name);
            prop_assert_eq!(found, tier_by_p1(&policy, &sku, &feature).map(String::as_str));
        }
    }

    #[test]
    fn any_text(text in any::<String>()) {
        prop_assert!(Policy::from_json_text(&text).is_err());
        prop_assert!(Policy::from_toml(&text).is_err());
    }

    /// A cut or changed text is read or refused with a place, and both readers of JSON say the same.
    #[test]
    fn mutated_json(policy in policy(), at in any::<proptest::sample::Index>(), with in "[ -~]{0,2}", cut in 0..3usize) {
        let text = policy.to_json().to_string();
        let at = text.char_indices().nth(at.index(text.chars().count())).unwrap().0;
        let rest: String = text[at..].chars().skip(cut).collect();
        let text = format!("{}{with}{rest}", &text[..at]);
        match (Policy::from_json_text(&text), serde_json::from_str::<serde_json::Value>(&text)) {
            (Ok(read), Ok(json)) => prop_assert_eq!(Policy::from_json(&json), Ok(read)),
            (Err(error), _) => prop_assert!(error.problems.iter().all(|problem| problem.line.is_some())),
            (Ok(_), Err(error)) => prop_assert!(false, "{}", error),
        }
    }
}
