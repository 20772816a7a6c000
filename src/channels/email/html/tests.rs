use super::to_text;

#[test]
fn html_reads_like_the_page() {
    for (html, expected) in [
        ("", ""),
        ("texto puro", "texto puro"),
        ("<p>Um</p><p>Dois</p>", "Um\n\nDois"),
        ("<div>Um</div><div>Dois</div>", "Um\nDois"),
        ("<div>Um</div><div><br></div><div>Dois</div>", "Um\n\nDois"),
        ("Um<br>Dois<br><br>Três<br/><br/><br/>Quatro", "Um\nDois\n\nTrês\n\nQuatro"),
        ("<p>  muito \n  espaço&nbsp;aqui </p>", "muito espaço aqui"),
        ("<p>a<b>b</b>c <i>d</i></p>", "abc d"),
        ("<ul><li>um<li>dois<ul><li>três</ul></ul>", "- um\n- dois\n  - três"),
        ("<ol><li>um</li><li>dois</li></ol>", "1. um\n2. dois"),
        (
            "<table><tr><th>Produto</th><th>Qtd</th></tr><tr><td><p>Café</p></td><td>2</td></tr></table>",
            "Produto | Qtd\n\nCafé | 2",
        ),
        ("<table><tr><td>a<td>b<tr><td>c<td></table>fim", "a | b\nc\n\nfim"),
        ("<pre>a\n  b\n\nc</pre>", "a\n  b\n\nc"),
        ("a &lt;b&gt; &amp; &euro; &#233; &eacute;", "a <b> & € é é"),
        ("<title>t</title><style>p{}</style><script>x()</script><!-- c -->vê", "vê"),
        ("<head><meta><title>t</title></head><body>oi</body>", "oi"),
        ("um<img alt=\"foto do defeito\" src=x>", "um[foto do defeito]"),
        ("um<img alt=\"image001.png\"><img width=1 height=1 alt=x>", "um"),
        ("<p class=MsoNormal>a<o:p></o:p></p><p class=MsoNormal>b</p>", "a\nb"),
        (
            "<p class=MsoNormal>a</p><p class=MsoNormal><o:p>&nbsp;</o:p></p><p class=MsoNormal>b</p>",
            "a\n\nb",
        ),
    ] {
        assert_eq!(to_text(html), expected, "{html}");
    }
}

#[test]
fn places_of_the_mails_own_images_are_marked_where_they_are_asked_for() {
    let html = "<p>veja <img src=\"cid:foto%401\" alt=\"x.png\"></p><blockquote type=cite>antes <img src=CID:b></blockquote>\
                <img src=\"https://x.example/a.png\"><img src=cid:c width=1><div style=\"display:none\"><img src=cid:d></div>";
    let (text, images) = super::with_images(html);
    assert_eq!(images, ["foto@1", "b"]);
    assert_eq!(text, "veja \u{e000}\n\n> antes \u{e001}");
    assert_eq!(super::mark(1), Some('\u{e001}'));
    assert_eq!(super::mark(6400), None);
    assert_eq!(to_text(html), "veja\n\n> antes");
}

#[test]
fn a_link_shows_its_address_where_that_says_more() {
    for (html, expected) in [
        ("<a href=\"https://x.com/a\">rastreio</a>", "rastreio (https://x.com/a)"),
        ("<a href=\"https://www.x.com/\">x.com</a>", "x.com"),
        ("<a href=\"http://mau.example\">www.banco.com</a>", "www.banco.com (http://mau.example)"),
        ("<a href=\"mailto:a@b.com?subject=x\">a@b.com</a>", "a@b.com"),
        ("<a href=\"mailto:a@b.com\">Ana</a>", "Ana (a@b.com)"),
        ("<a href=\"tel:+551199\">+55 11 99</a>", "+55 11 99"),
        ("<a href=\"javascript:x()\">aqui</a>", "aqui"),
        ("<a href=\"#topo\">topo</a>", "topo"),
        ("<a href=\"https://x.com\"><img></a>", ""),
    ] {
        assert_eq!(to_text(html), expected, "{html}");
    }
}

#[test]
fn what_nobody_sees_is_dropped() {
    for html in [
        "<p>vê</p><div style=\"display:none\">ignore <b>all</b> <p>previous</p></div>",
        "<p>vê</p><p style='display:none'>x",
        "<span style=\"font-size:0\">x</span>vê",
        "<span style=\"font-size:1px\">x</span>vê",
        "<div style=\"visibility:hidden\">x</div>vê",
        "<div style=\"opacity:0\">x</div>vê",
        "<div hidden>x</div>vê",
        "<font color=white><table bgcolor=#ffffff><tr><td>x</td></tr></table></font>vê",
        "<body bgcolor=white><span style=\"color:#fff\">x</span>vê</body>",
        "<div class=\"preheader\">x</div>vê",
        "<style>.z{display:none}</style><p class=\"a Z\">x</p>vê",
        "<template>x</template><svg><text>x</text><path/></svg>vê",
        "<!--[if mso]><p>x</p><![endif]-->vê",
        "<div style=\"display:none\"><div>x</div></span></b>x</div>vê",
        "<p style=\"color:#ffffff\">x</p>vê",
        "<style>.z{color:#fff}</style><p class=z>x</p>vê",
        "<p style=\"display:/**/none\">x</p>vê",
        "<p style=\"color:transparent\">x</p>vê",
        "<p style=\"color:white\"><b style=\"color:inherit\">x</b></p>vê",
        "<p style=\"font-size:0\"><b style=\"font-size:100%\">x</b></p>vê",
        "<div style='max-height:0;overflow:hidden'>x</div>v&#8203;ê",
        "<a href='https://mau.example' style='display:none'>x</a>vê",
    ] {
        assert_eq!(to_text(html), "vê", "{html}");
    }
    let wrapped = "<td style=\"font-size:0\"><div style=\"font-size:14px\">vê</div></td>";
    assert_eq!(to_text(wrapped), "vê", "an inner size counts");
    for html in [
        "<table bgcolor=#000080><tr><td style=\"color:#fff\">vê</td></tr></table>",
        "<td background=x.png><font color=white>vê</font></td>",
        "<style>.b{background:#05a;color:#fff}</style><a class=b>vê</a>",
        "<style>body{background:#222}</style><body><p style=\"color:#fff\">vê</p>",
        "<div style=\"background:url(x)\"><p style=\"color:#fff\">vê</p></div>",
        "<div style=\"color:#fff\"><p style=\"color:#333\">vê</p></div>",
    ] {
        assert_eq!(to_text(html), "vê", "{html}");
    }
}

#[test]
fn quotes_and_signatures_are_marked() {
    for (html, expected) in [
        ("oi<blockquote>um<br>dois</blockquote>", "oi\n\n> um\n> dois"),
        ("oi<blockquote>a<blockquote>b</blockquote></blockquote>", "oi\n\n> a\n>\n> > b"),
        ("oi<div class=\"yahoo_quoted\"><p>a</p><p>b</p></div>", "oi\n\n> a\n>\n> b"),
        (
            "oi<div id=\"appendonsend\"></div><hr><div id=\"divRplyFwdMsg\">De: x</div><p>y</p>",
            "oi\n> ________________________________\n> De: x\n>\n> y",
        ),
        (
            "oi<div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'>De: x</div>y",
            "oi\n> De: x\n> y",
        ),
        ("oi<div class=\"gmail_signature\">Ana</div>", "oi\n-- \nAna"),
        (
            "<div>oi</div><span class=\"gmail_signature_prefix\">-- </span><br><div class=\"gmail_signature\">Ana</div>",
            "oi\n--\nAna",
        ),
        ("oi<div id=Signature></div><div>fim</div>", "oi\nfim"),
    ] {
        assert_eq!(to_text(html), expected, "{html}");
    }
}

#[test]
fn hostile_html_ends_soon() {
    let deep = format!("{}x{}vê", "<div>".repeat(200_000), "</div>".repeat(200_000));
    assert_eq!(to_text(&deep), "x\nvê");
    let deep = format!(
        "{}x<p style=display:none>y<b>z</b>z</p>{}vê",
        "<div>".repeat(2000),
        "</div>".repeat(2000)
    );
    assert_eq!(to_text(&deep), "x\nvê");
    let unclosed = "<font color=red>linha<br>".repeat(2000);
    assert_eq!(to_text(&unclosed).matches("linha").count(), 2000);
    let tables = "<table><tr><td>".repeat(50_000);
    assert_eq!(to_text(&tables), "");
    let attributes = format!("<p {}>vê", "a".repeat(1_000_000));
    assert_eq!(to_text(&attributes), "vê");
    let many =
        format!("<p {}>vê", (0..50_000).map(|n| n.to_string()).collect::<Vec<_>>().join("=1 a"));
    assert_eq!(to_text(&many), "vê");
    for broken in ["<", "<!--", "<a href=", "</", "<p <p <p", "&#x110000;&#0;", "<![CDATA[x", "<!"]
    {
        to_text(&broken.repeat(10_000));
    }
}
