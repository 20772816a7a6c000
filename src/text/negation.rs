//! Whether a phrase is negated by what stands before it.
//!
//! Only words that carry no meaning of their own may stand between the negation and the phrase, so
//! "não é urgente" is negated and "não consigo acessar, é urgente" is not.

use super::tokens::{Break, Tokens};

/// Most words that may stand between a negation and what it negates.
const REACH: usize = 6;

/// Returns true where the phrase that starts at a token is negated. `english` says whether "no" is
/// the English word; in Portuguese it means "in the".
pub fn is_negated(tokens: &Tokens, start: usize, english: bool) -> bool {
    let mut at = start;
    for _ in 0..=REACH {
        if tokens.before(at) > Break::None || at == 0 {
            return false;
        }
        at -= 1;
        let word = tokens.word(at);
        // "Um pouco" softens, "pouco" alone denies.
        if word == "pouco" && at > 0 && tokens.word(at - 1) == "um" {
            continue;
        }
        if is_negator(word, english) {
            // "not only", "não só" and "no doubt" affirm.
            return !matches!(
                tokens.word(at + 1),
                "so" | "somente" | "apenas" | "only" | "just" | "doubt" | "wonder" | "obstante"
            );
        }
        if !is_filler(word) {
            return false;
        }
    }
    false
}

fn is_negator(word: &str, english: bool) -> bool {
    match word {
        "nao" | "nunca" | "jamais" | "sem" | "nem" | "nada" | "pouco" | "longe" | "nenhum"
        | "nenhuma" | "not" | "never" | "without" | "neither" | "nor" | "hardly" | "none"
        | "sin" | "ni" | "tampouco" | "ningun" | "ninguna" | "far" => true,
        "no" => english,
        _ => false,
    }
}

fn is_filler(word: &str) -> bool {
    matches!(
        word,
        // Portuguese and Spanish
        "e" | "esta" | "estao" | "estou" | "estava" | "foi" | "era" | "ser" | "seja" | "sendo"
            | "sou" | "so" | "muito" | "muita" | "mais" | "tao" | "assim" | "um" | "uma" | "o"
            | "a" | "os" | "as" | "de" | "do" | "da" | "que" | "quero" | "queria" | "quis"
            | "pretendo" | "vou" | "ia" | "preciso" | "precisa" | "precisamos" | "tem" | "tenho"
            | "ha" | "houve" | "trata" | "se" | "caso" | "nada" | "pedindo" | "pedi" | "peco"
            | "solicitei" | "querendo" | "falando" | "dizendo" | "disse" | "considero"
            | "classifiquem" | "marquem" | "como" | "desejo" | "gostaria" | "penso" | "pensando"
            | "em" | "ainda" | "necessario" | "nenhum" | "nenhuma" | "qualquer" | "para" | "ter"
            | "es" | "un" | "una" | "muy" | "quiero" | "voy" | "hay" | "por" | "enquanto" | "algo"
            | "exatamente" | "bem" | "vamos" | "queremos" | "pouco" | "ameacando"
            | "eu" | "me" | "isso" | "isto" | "it" | "fazer" | "acionar" | "entrar" | "com"
            // English
            | "is" | "am" | "are" | "was" | "were" | "be" | "been" | "being" | "an" | "the"
            | "very" | "that" | "really" | "at" | "all" | "any" | "of" | "too" | "want"
            | "wanting" | "going" | "need" | "needed" | "will" | "would" | "does" | "did"
            | "asking" | "ask" | "for" | "looking" | "trying" | "planning" | "think" | "thinking"
            | "say" | "saying" | "said" | "have" | "has" | "even" | "yet" | "exactly" | "this"
            | "request" | "requesting" | "like" | "anything" | "from" | "about" | "i" | "there"
            | "terribly" | "super" | "particularly" | "especially" | "considered"
            | "threatening" | "demanding" | "intend" | "mean"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negation_reaches_over_small_words_only() {
        for (text, phrase, english, expected) in [
            ("não é urgente", "urgente", false, true),
            ("nao e nada urgente", "urgente", false, true),
            ("não consigo acessar urgente", "urgente", false, false),
            ("não consigo acessar, urgente", "urgente", false, false),
            ("isso não, urgente", "urgente", false, false),
            ("não só urgente", "urgente", false, false),
            ("it's not urgent", "urgent", true, true),
            ("this isn't at all urgent", "urgent", true, true),
            ("no urgent need", "urgent", true, true),
            ("vou no procon", "procon", false, false),
            ("nem um pouco urgente", "urgente", false, true),
            ("sem urgência", "urgencia", false, true),
            ("not only broken", "broken", true, false),
            ("not sure, it is broken", "broken", true, false),
            ("urgente", "urgente", false, false),
            ("um pouco urgente", "urgente", false, false),
            ("não estou pedindo reembolso", "reembolso", false, true),
            ("i am not asking for a refund", "refund", true, true),
        ] {
            let tokens = Tokens::of(text);
            let at = tokens.iter().position(|(_, w)| w == phrase).unwrap();
            assert_eq!(is_negated(&tokens, at, english), expected, "{text:?}");
        }
    }
}
