//! Recognises how a customer writes, so that the reply can be written the same way.

use super::words::words_of;

crate::domain::words! {
    /// How a customer writes.
    Register {
        /// As to a friend: abbreviations, pictures, slang.
        Casual = "casual",
        /// Neither.
        Neutral = "neutral",
        /// As in a letter.
        Formal = "formal",
    }
}

const CASUAL: &[&str] = &[
    "oi", "oie", "oii", "oiii", "opa", "eai", "blz", "beleza", "vlw", "valeu", "kd", "cade", "vc",
    "vcs", "pq", "tb", "tbm", "mto", "mt", "hj", "pra", "pro", "tá", "ta", "tô", "to", "né", "ne",
    "aí", "q", "n", "rs", "kk", "kkk", "kkkk", "haha", "gente", "galera", "moço", "moça", "mano",
    "obg", "brigado", "brigada", "bj", "hey", "hiya", "u", "ur", "thx", "thanx", "lol", "gonna",
    "wanna", "gotta", "yeah", "yep", "nope", "guys", "pls", "plz", "btw", "cuz", "dunno", "ty",
    "omg", "ok", "im", "cant", "dont",
];

const FORMAL: &[&str] = &[
    "prezado",
    "prezada",
    "prezados",
    "prezadas",
    "senhor",
    "senhora",
    "senhores",
    "sr",
    "sra",
    "srs",
    "solicito",
    "solicitamos",
    "venho",
    "vimos",
    "gentileza",
    "atenciosamente",
    "cordialmente",
    "referente",
    "mediante",
    "outrossim",
    "informo",
    "informamos",
    "agradeço",
    "agradecemos",
    "aguardo",
    "conforme",
    "sir",
    "madam",
    "sincerely",
    "regards",
    "regarding",
    "hereby",
    "kindly",
    "enquire",
    "inquire",
    "furthermore",
    "appreciate",
    "grateful",
    "pursuant",
    "dear",
];

impl Register {
    /// Reads the register off a message; few words decide nothing.
    pub fn of(text: &str) -> Self {
        let (mut casual, mut formal) = (0_u32, 0_u32);
        for word in words_of(text) {
            casual += u32::from(CASUAL.contains(&word.as_str()));
            formal += u32::from(FORMAL.contains(&word.as_str()));
        }
        casual += u32::from(text.chars().any(|c| matches!(c, '\u{1f300}'..='\u{1faff}')));
        match formal.cmp(&casual) {
            std::cmp::Ordering::Greater => Self::Formal,
            std::cmp::Ordering::Less => Self::Casual,
            std::cmp::Ordering::Equal => Self::Neutral,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reply_can_follow_how_the_customer_writes() {
        for (text, expected) in [
            ("oi, kd meu boleto? vlw", Register::Casual),
            ("consegui entrar 😅", Register::Casual),
            ("Prezados, solicito a segunda via da fatura. Atenciosamente, Carla", Register::Formal),
            ("Como exporto meus contatos?", Register::Neutral),
            ("", Register::Neutral),
            ("hey, u guys down?", Register::Casual),
            ("Dear Sir or Madam, I would appreciate a copy of my invoice.", Register::Formal),
            ("How do I export my contacts?", Register::Neutral),
        ] {
            assert_eq!(Register::of(text), expected, "{text}");
        }
    }
}
