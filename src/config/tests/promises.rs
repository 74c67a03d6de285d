//! What holds for every text.

use proptest::prelude::*;

use super::super::load;
use super::accepted::FULL;
use super::env;
use crate::source::{Sources, Span};

/// Loads a text and holds every place in what comes out against it.
fn places_lie_in_the_text(text: &str) {
    let mut sources = Sources::default();
    sources.add("a.yaml", text);
    let Ok(config) = load(&sources, &env) else {
        return;
    };
    let within =
        |span: Span| assert!(text.get(span.start..span.end).is_some(), "{span:?} of {text:?}");
    for problem in &config.problems {
        within(problem.span);
        problem.related.iter().for_each(|&(_, span)| within(span));
        assert!(
            !problem.message.is_empty() && !problem.message.ends_with('.'),
            "{}",
            problem.message
        );
        assert!(problem.message.len() < 2000);
    }
    for vm in &config.vms {
        within(vm.span);
        for device in vm.passthrough.iter().flat_map(|passthrough| &passthrough.devices) {
            within(device.address.span);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_text_is_judged(text in "\\PC*") {
        places_lie_in_the_text(&text);
    }

    #[test]
    fn anything_like_yaml_is_judged(text in "([a-z&*<${}\\[\\]:,?'\"|>!#%@\u{feff}é \t\r\n-]|: |- |<<: |\n  ){0,60}") {
        places_lie_in_the_text(&text);
    }

    #[test]
    fn a_good_file_with_a_piece_replaced_is_judged(
        at in 0..FULL.len(), cut in 0usize..40, piece in "[a-z0-9&*<${}\\[\\]:,?'\"|>!#é \t\r\n-]{0,8}",
    ) {
        let end = (at + cut).min(FULL.len());
        places_lie_in_the_text(&format!("{}{piece}{}", &FULL[..at], &FULL[end..]));
    }
}
