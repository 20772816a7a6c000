//! Chat spellings and contractions, each with the plain words it stands for.
//!
//! Only spellings that mean the same wherever they occur belong here; a word that is also a word of
//! its own in the other language is safe, because patterns are read with the same table.

/// How a folded word is written out.
pub(super) enum Spelling {
    /// As it is.
    AsIs,
    /// As these words instead.
    Words(&'static [&'static str]),
    /// Its first bytes, then a word (none if empty).
    Stem(usize, &'static str),
}

/// Returns the plain spelling of a folded word; `cut` is where an apostrophe stood.
pub(super) fn spelling(word: &str, cut: Option<usize>) -> Spelling {
    if let Some(words) = chat(word) {
        return Spelling::Words(words);
    }
    cut.map_or(Spelling::AsIs, |cut| contraction(word, cut))
}

fn contraction(word: &str, cut: usize) -> Spelling {
    let (Some(stem), Some(tail)) = (word.get(..cut), word.get(cut..)) else {
        return Spelling::AsIs;
    };
    if stem.is_empty() {
        return Spelling::AsIs;
    }
    match tail {
        "t" if stem.ends_with('n') && stem.len() > 2 => Spelling::Stem(cut - 1, "not"),
        "m" => Spelling::Stem(cut, "am"),
        "re" => Spelling::Stem(cut, "are"),
        "ve" => Spelling::Stem(cut, "have"),
        "ll" => Spelling::Stem(cut, "will"),
        "d" if stem.len() > 1 || stem == "i" => Spelling::Stem(cut, "would"),
        "s" => match stem {
            "it" | "that" | "what" | "there" | "he" | "she" | "where" | "who" | "here" | "how" => {
                Spelling::Stem(cut, "is")
            }
            _ => Spelling::Stem(cut, ""),
        },
        _ => Spelling::AsIs,
    }
}

#[expect(clippy::too_many_lines, reason = "a table of spellings, one per line")]
fn chat(word: &str) -> Option<&'static [&'static str]> {
    // No entry is longer than nine bytes; most words leave here.
    if word.len() > 9 {
        return None;
    }
    Some(match word {
        // Portuguese
        "vc" | "vce" | "ce" | "oce" => &["voce"],
        "vcs" | "ces" | "vces" => &["voces"],
        "n" | "naum" | "nn" | "nau" | "naao" => &["nao"],
        "q" | "qe" | "ki" => &["que"],
        "oq" | "oque" | "oke" => &["o", "que"],
        "pq" | "pk" | "porq" | "porqe" => &["porque"],
        "tb" | "tbm" | "tmb" | "tbem" => &["tambem"],
        "pra" | "p" | "pro" | "pras" | "pros" => &["para"],
        "pfv" | "pfvr" | "pvf" | "pfvzinho" | "porfavor" | "prfvr" | "pff" => &["por", "favor"],
        "td" => &["tudo"],
        "tds" => &["todos"],
        "hj" | "oje" => &["hoje"],
        "to" | "tou" => &["estou"],
        "ta" => &["esta"],
        "tava" => &["estava"],
        "tavam" => &["estavam"],
        "ngm" | "ninguen" => &["ninguem"],
        "msg" | "mensagen" => &["mensagem"],
        "msgs" | "mensagems" => &["mensagens"],
        "qdo" | "qnd" | "qndo" | "qando" => &["quando"],
        "qto" | "qnt" | "qnto" => &["quanto"],
        "cmg" => &["comigo"],
        "ctg" => &["contigo"],
        "vlw" | "vlws" | "valew" | "vlww" => &["valeu"],
        "obg" | "obgd" | "obgdo" | "brigado" | "obrigadao" | "brigadao" | "obrg" | "obrigdo" => {
            &["obrigado"]
        }
        "obgda" | "brigada" => &["obrigada"],
        "blz" | "bls" => &["beleza"],
        "eh" => &["e"],
        "kd" => &["cade"],
        "fzr" => &["fazer"],
        "fzd" | "fzndo" => &["fazendo"],
        "mto" | "mt" | "mtu" | "mmuito" | "mui" => &["muito"],
        "mta" => &["muita"],
        "mtos" => &["muitos"],
        "dnv" | "denovo" => &["de", "novo"],
        "agr" => &["agora"],
        "dps" | "dpois" => &["depois"],
        "axo" => &["acho"],
        "soh" => &["so"],
        "cmo" => &["como"],
        "qlqr" | "qq" | "qquer" => &["qualquer"],
        "qro" | "qr" | "kero" | "qero" => &["quero"],
        "consigu" | "cnsg" | "consg" => &["consigo"],
        "adv" | "advg" | "adevogado" | "adivogado" => &["advogado"],
        "fds" => &["fim", "de", "semana"],
        "bj" | "bjs" | "bjss" => &["beijos"],
        "abs" | "abcs" => &["abraco"],
        "hrs" => &["horas"],
        "pgto" | "pgmt" | "pagto" | "pgamento" => &["pagamento"],
        "nf" | "nfe" | "nfse" => &["nota", "fiscal"],
        "zap" | "zapzap" | "wpp" | "whatss" | "wats" | "whastapp" | "watsap" => &["whatsapp"],
        // English
        "u" => &["you"],
        "ur" => &["your"],
        "pls" | "plz" | "plss" | "plez" => &["please"],
        "thx" | "tks" | "thks" | "thanx" | "tnx" | "ty" | "tysm" | "thnx" => &["thanks"],
        "bc" | "cuz" | "coz" => &["because"],
        "acct" => &["account"],
        "pw" | "pwd" | "passwd" => &["password"],
        "gonna" => &["going", "estou"],
        "wanna" => &["want", "estou"],
        "gotta" => &["got", "estou"],
        "cannot" | "cant" => &["can", "not"],
        "dont" | "dnt" => &["do", "not"],
        "doesnt" | "dosnt" | "dosent" | "doesent" => &["does", "not"],
        "didnt" => &["did", "not"],
        "wont" => &["will", "not"],
        "isnt" | "aint" => &["is", "not"],
        "arent" => &["are", "not"],
        "wasnt" => &["was", "not"],
        "werent" => &["were", "not"],
        "couldnt" => &["could", "not"],
        "wouldnt" => &["would", "not"],
        "shouldnt" => &["should", "not"],
        "havent" => &["have", "not"],
        "hasnt" => &["has", "not"],
        "hadnt" => &["had", "not"],
        "im" => &["i", "am"],
        "ive" => &["i", "have"],
        "youre" => &["you", "are"],
        "youve" => &["you", "have"],
        "theyre" => &["they", "are"],
        "thats" => &["that", "is"],
        "its" => &["it", "is"],
        "immediatly" | "imediately" | "inmediatly" => &["immediately"],
        _ => return None,
    })
}

/// True where a dot after the word ends no sentence.
pub(crate) fn is_abbreviation(word: &str) -> bool {
    matches!(
        word,
        "sr" | "sra"
            | "srta"
            | "srs"
            | "dr"
            | "dra"
            | "drs"
            | "prof"
            | "profa"
            | "exmo"
            | "exma"
            | "ilmo"
            | "av"
            | "ex"
            | "obs"
            | "tel"
            | "cel"
            | "fone"
            | "art"
            | "pag"
            | "pg"
            | "cia"
            | "ltda"
            | "inc"
            | "ltd"
            | "corp"
            | "mr"
            | "mrs"
            | "ms"
            | "st"
            | "vs"
            | "approx"
            | "eg"
            | "ie"
            | "cf"
            | "vol"
            | "ref"
            | "dept"
            | "depto"
            | "seg"
            | "qua"
            | "qui"
            | "sex"
            | "sab"
            | "dom"
            | "jan"
            | "fev"
            | "mar"
            | "abr"
            | "mai"
            | "jun"
            | "jul"
            | "ago"
            | "set"
            | "out"
            | "nov"
            | "dez"
            | "feb"
            | "apr"
            | "aug"
            | "sep"
            | "sept"
            | "oct"
            | "dec"
            | "hs"
    )
}
