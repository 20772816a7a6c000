use super::*;

#[test]
fn markdown_without_a_counterpart_is_rewritten() {
    for (markdown, expected) in [
        ("Toque em **Salvar**.", "Toque em **Salvar**."),
        ("Toque em __Salvar__ e __Sair__", "Toque em **Salvar** e **Sair**"),
        ("o arquivo my__init__py fica", "o arquivo my__init__py fica"),
        ("__ não __", "__ não __"),
        ("~~R$ 10~~ R$ 8", "~R$ 10~ R$ 8"),
        ("~~a __b__~~", "~a **b**~"),
        ("~10 a ~20 dias", "~10 a ~20 dias"),
        ("~dez~ dias", "∼dez∼ dias"),
        ("`cd ~/a~ b`", "`cd ~/a~ b`"),
        (r"2 \* 3 \_x\_ 1\. \~y\~ \`z\` C:\dir", "2 ∗ 3 ˍxˍ 1. ∼y∼ ˋzˋ C:\\dir"),
        ("`a_b \\* __c__` fica", "`a_b \\* __c__` fica"),
        ("veja <https://a.example/__b__>.", "veja https://a.example/__b__."),
        ("https://a.example/__b__/~~c~~ fim", "https://a.example/__b__/~~c~~ fim"),
        ("[site](https://a.example/__b__) __c__", "[site](https://a.example/__b__) **c**"),
        ("+ um\n+ dois", "- um\n- dois"),
        ("a\n\n---\n\nb", "a\n\nb"),
        ("a\n\n* * *\n\nb", "a\n\nb"),
        ("Título\n---\ntexto", "## Título\ntexto"),
        ("Título\n=====\ntexto", "## Título\ntexto"),
        ("- item\n---\nfim", "- item\n\nfim"),
        ("```rust\nlet a = __b__;\n\n\n---\n```\nfim", "```\nlet a = __b__;\n\n\n---\n```\nfim"),
        ("```x = 1```", "```x = 1```"),
        ("", ""),
        ("\n\n", ""),
    ] {
        assert_eq!(prepared(markdown), expected, "{markdown}");
    }
}

#[test]
fn tables_become_lists() {
    for (markdown, expected) in [
        (
            "| Plano | Preço |\n|---|---:|\n| Básico | R$ 10 |\n| Pro | R$ 20 |\n\nfim",
            "- Básico: R$ 10\n- Pro: R$ 20\n\nfim",
        ),
        (
            "Plano | Preço | Prazo\n--- | --- | ---\nPro | R$ 20 | 5 dias\nX | | 1 dia",
            "- Pro – Preço: R$ 20; Prazo: 5 dias\n- X – Prazo: 1 dia",
        ),
        ("| a | b |\n|---|---|\n| x \\| y | __z__ |", "- x | y: **z**"),
        ("| a |\n|---|\n| x |\n||", "- x"),
        ("| a | b |\n|---|---|\n| x | y | z |", "- x – b: y; z"),
        ("a | b\nsem tabela", "a | b\nsem tabela"),
    ] {
        assert_eq!(prepared(markdown), expected, "{markdown}");
    }
}

#[test]
fn plain_words_do_not_turn_into_marks() {
    for (words, expected) in [
        ("*João*", "∗João∗"),
        ("pedido _A1_ de *hoje*", "pedido ˍA1ˍ de ∗hoje∗"),
        ("~urgente~", "∼urgente∼"),
        ("use `rm` ou a`b", "use ˋrmˋ ou aˋb"),
        ("```x```", "ˋˋˋxˋˋˋ"),
        ("**x**", "∗∗x∗∗"),
        ("_~x~_", "ˍ∼x∼ˍ"),
        ("(*a* e b*)", "(∗a∗ e b∗)"),
        // Nothing here makes a pair.
        ("PED_2024_001", "PED_2024_001"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("5*3*2", "5*3*2"),
        ("~10 dias", "~10 dias"),
        ("R$ 10* e *veja", "R$ 10* e *veja"),
        ("*a\nb*", "*a\nb*"),
        ("um ` só", "um ` só"),
        // Addresses and links work only as they are.
        ("_ana_@b.example", "_ana_@b.example"),
        ("https://a.example/_b_/*c*", "https://a.example/_b_/*c*"),
        ("_x_ ana_@b.example", "ˍxˍ ana_@b.example"),
        ("", ""),
        ("👍 *ção*", "👍 ∗ção∗"),
    ] {
        assert_eq!(literal(words), expected, "{words}");
        assert_eq!(literal(&literal(words)), literal(words), "{words}");
    }
}

#[test]
fn long_texts_are_cut_where_a_reader_would_pause() {
    for (text, units_max, split, shortened) in [
        ("um dois", 7, vec!["um dois"], "um dois"),
        ("  \n ", 7, vec![], ""),
        ("aaaa\n\nbbbb\n\ncccc", 12, vec!["aaaa\n\nbbbb", "cccc"], "aaaa\n\nbbbb\n…"),
        ("aaaa\nbbbb\ncccc", 10, vec!["aaaa\nbbbb", "cccc"], "aaaa\n…"),
        ("Um. Dois! Três? Fim", 12, vec!["Um. Dois!", "Três? Fim"], "Um. Dois!\n…"),
        ("um dois três", 9, vec!["um dois", "três"], "um dois\n…"),
        ("aaaaaaaaaa", 4, vec!["aaaa", "aaaa", "aa"], "aa\n…"),
        ("👍👍👍", 4, vec!["👍👍", "👍"], "👍\n…"),
        ("👍👍", 3, vec!["👍", "👍"], "👍\n…"),
        ("👍👍", 0, vec!["👍", "👍"], "👍\n…"),
        ("a\n\nbbbbbbbb cccccc", 12, vec!["a\n\nbbbbbbbb", "cccccc"], "a\n\nbbbbbbb\n…"),
    ] {
        assert_eq!(fit(text, units_max, Fit::Split), split, "{text}");
        assert_eq!(fit(text, units_max, Fit::Shorten).join("|"), shortened, "{text}");
    }
}

#[test]
fn every_piece_fits_and_no_word_is_lost() {
    let text = "Olá, tudo bem? 👍🏽 Aqui está.\n\n- um\n- dois\n\nçã ".repeat(700);
    let pieces = fit(&text, TEXT_UNITS_MAX, Fit::Split);
    assert!(pieces.len() > 5);
    assert!(pieces.iter().all(|piece| units(piece) <= TEXT_UNITS_MAX && !piece.is_empty()));
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&pieces.join(" ")), words(&text));
    let short = fit(&text, TEXT_UNITS_MAX, Fit::Shorten);
    assert!(short.len() == 1 && short.iter().all(|piece| units(piece) <= TEXT_UNITS_MAX));
}

#[test]
fn no_text_brings_the_rewriting_down() {
    let signs = [
        "*", "_", "__", "~", "~~", "`", "```", "|", "-", "---", "\\", "#", "<http", "https://",
        ">", " ", "\n", "\n\n", "a", "ç", "👍", "@", "\u{0}",
    ];
    let mut state = 0x2545_f491_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..24 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(signs[usize::try_from(state >> 33).unwrap() % signs.len()]);
        }
        let safe = literal(&text);
        assert_eq!(literal(&safe), safe, "{text:?}");
        assert_eq!(safe.chars().count(), text.chars().count(), "{text:?}");
        let pieces = fit(&prepared(&text), 9, Fit::Split);
        assert!(pieces.iter().all(|piece| (1..=9).contains(&units(piece))), "{text:?}");
    }
}
