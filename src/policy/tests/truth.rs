//! Three-valued logic: what a rule says when facts are missing.

use super::*;
use crate::policy::rules::Engine;

/// Judges an expression over `customer.vip` (a), `message.media` (b) and `draft.present` (c).
fn judge(when: &str, values: [Option<bool>; 3]) -> Outcome {
    let expression = compiled(when);
    let mut facts = Facts::new();
    for (fact, value) in
        [Fact::CustomerVip, Fact::MessageMedia, Fact::DraftPresent].into_iter().zip(values)
    {
        facts.set_known(fact, value);
    }
    Engine::new().judge(&expression, &facts)
}

#[test]
fn and_and_or_follow_kleene() {
    use Outcome::{Fired, Not};
    let unknown_a = || Outcome::NotKnown(vec![Fact::CustomerVip]);
    let unknown_b = || Outcome::NotKnown(vec![Fact::MessageMedia]);
    let unknown_both = || Outcome::NotKnown(vec![Fact::CustomerVip, Fact::MessageMedia]);
    for (a, b, and, or) in [
        (Some(true), Some(true), Fired, Fired),
        (Some(true), Some(false), Not, Fired),
        (Some(true), None, unknown_b(), Fired),
        (Some(false), Some(true), Not, Fired),
        (Some(false), Some(false), Not, Not),
        (Some(false), None, Not, unknown_b()),
        (None, Some(true), unknown_a(), Fired),
        (None, Some(false), Not, unknown_a()),
        (None, None, unknown_both(), unknown_both()),
    ] {
        let case = [a, b, None];
        assert_eq!(judge("customer.vip && message.media", case), and, "{a:?} && {b:?}");
        assert_eq!(judge("customer.vip || message.media", case), or, "{a:?} || {b:?}");
    }
}

#[test]
fn not_choice_and_presence_follow_kleene() {
    use Outcome::{Fired, Not};
    let choice = "customer.vip ? message.media : draft.present";
    for (when, values, expected) in [
        ("!customer.vip", [Some(true), None, None], Not),
        ("!customer.vip", [Some(false), None, None], Fired),
        ("!customer.vip", [None; 3], Outcome::NotKnown(vec![Fact::CustomerVip])),
        (choice, [Some(true), Some(true), None], Fired),
        (choice, [Some(false), Some(true), Some(false)], Not),
        (choice, [None, Some(true), Some(true)], Fired),
        (choice, [None, Some(false), Some(false)], Not),
        (choice, [None, Some(true), Some(false)], Outcome::NotKnown(vec![Fact::CustomerVip])),
        (
            choice,
            [None, None, Some(false)],
            Outcome::NotKnown(vec![Fact::CustomerVip, Fact::MessageMedia]),
        ),
        ("has(customer.vip)", [None; 3], Not),
        ("has(customer.vip)", [Some(false), None, None], Fired),
        ("!has(customer.vip) || customer.vip", [None; 3], Fired),
        ("true || customer.vip", [None; 3], Fired),
        ("false && customer.vip", [None; 3], Not),
        (
            "(customer.vip && false) == message.media",
            [None, Some(false), None],
            Outcome::NotKnown(vec![Fact::CustomerVip]),
        ),
    ] {
        assert_eq!(judge(when, values), expected, "{when} with {values:?}");
    }
}

#[test]
fn what_the_interpreter_cannot_compute_is_not_known_and_no_error() {
    let mut facts = Facts::new();
    facts.set(Fact::TicketAiTurns, 3_i64);
    let outcome =
        Engine::new().judge(&compiled("ticket.ai_turns * 9223372036854775807 > 3"), &facts);
    assert_eq!(outcome, Outcome::NotKnown(vec![Fact::TicketAiTurns]));
}
