//! Files as people have them, through the command itself.

use std::fmt::Write as _;
use std::fs;

use super::super::ExitCode;
use super::super::tests::{Call, Called};
use crate::adapters::store::{Store, StoreLocation};
use crate::domain::customer::Customer;
use crate::domain::ids::TenantId;
use tokio_util::task::TaskTracker;

fn import(dir: &std::path::Path, name: &str, bytes: &[u8]) -> Called {
    fs::write(dir.join(name), bytes).unwrap();
    Call { dir, env: &[], typed: None }.run(&["customers", "import", name])
}

fn customer(dir: &std::path::Path, reference: &str) -> Option<Customer> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let location = StoreLocation::embedded(&dir.join("data"));
        let store = Store::open(&location, &TaskTracker::new()).await.unwrap();
        store.customer(&TenantId::main(), reference).await.unwrap()
    })
}

#[test]
fn a_portuguese_spreadsheet_in_windows_1252_is_understood() {
    let here = tempfile::tempdir().unwrap();
    let file = "Refer\u{ea}ncia;Nome;E-mail;Telefone;Plano;Receita anual;Cliente desde;Consentimento proativo;Segmento\r\n\
        c-1;Jo\u{e3}o;joao@x.com.br, j@x.com.br;(11) 91234-5678;ouro;R$ 12.500,50;01/03/2024;sim;varejo\r\n\
        \r\n\
        c-2;\"Silva; Filhos\";;;;;;;\r\n";
    let latin: Vec<u8> = file.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let called = import(here.path(), "clientes.csv", &latin);
    assert_eq!((called.code, called.err.as_str()), (ExitCode::Ok, ""));
    assert_eq!(called.out, "new: 2, replaced: 0, refused: 0\n");
    let profile = customer(here.path(), "c-1").unwrap().profile;
    insta::assert_json_snapshot!(profile, @r#"
    {
      "name": "João",
      "emails": [
        "joao@x.com.br",
        "j@x.com.br"
      ],
      "phones": [
        "(11) 91234-5678"
      ],
      "plan": "ouro",
      "annual_revenue": {
        "minor": 1250050,
        "currency": "BRL"
      },
      "customer_since": "2024-03-01",
      "consent": {
        "proativo": true
      },
      "fields": {
        "Segmento": "varejo"
      }
    }
    "#);
    let second = customer(here.path(), "c-2").unwrap().profile;
    assert_eq!(second.name.as_deref(), Some("Silva; Filhos"));

    let again = import(here.path(), "clientes.csv", &latin);
    assert_eq!(again.out, "new: 0, replaced: 2, refused: 0\n");
}

#[test]
fn an_english_file_with_a_byte_order_mark_is_understood() {
    let here = tempfile::tempdir().unwrap();
    let file = "\u{feff}ref,name,phone,annual_revenue,currency,since\nc-1,Ana,+44 20 7946 0958,\"12,500.00\",gbp,2024-03-01\n";
    let called = import(here.path(), "customers.csv", file.as_bytes());
    assert_eq!(called.code, ExitCode::Ok, "{}", called.err);
    let profile = customer(here.path(), "c-1").unwrap().profile;
    let money = profile.annual_revenue.unwrap();
    assert_eq!((money.minor, money.currency.as_str()), (1_250_000, "GBP"));
}

#[test]
fn bad_rows_are_named_and_the_good_ones_are_imported() {
    let here = tempfile::tempdir().unwrap();
    let file = "reference;email;receita_anual;moeda;cliente_desde;consent_sms\n\
        c-1;a@b.com;;;;\n\
        ;a@b.com;;;;\n\
        c-3;ana;doze;;31/02/2024;talvez\n\
        c-4;a@b.com;1\n\
        c-1;a@b.com;;;;\n\
        c-6;;10;reais;;\n\
        c-7;b@c.com;;;;\n";
    let called = import(here.path(), "clientes.csv", file.as_bytes());
    assert_eq!(called.code, ExitCode::Problems);
    assert_eq!(called.out, "new: 2, replaced: 0, refused: 5\n");
    insta::assert_snapshot!(called.err, @r"
    line 3, column reference: is empty; fill in the customer's key
    line 4, column receita_anual: is not an amount such as 12,500.00 or 12500.00
    line 4, column cliente_desde: is not a date; write 31/12/2024 (day first) or 2024-12-31
    line 4, column consent_sms: is neither yes nor no; write yes or no, or leave it empty
    line 4, column email: is not an e-mail address; write, for example, ana@example.com
    line 5, column *: the line has 3 columns and the header 6; check separators and quotation marks
    line 6, column reference: this reference came on an earlier line; keep one of the lines only
    line 7, column moeda: is not an ISO 4217 code; three capital letters, such as BRL
    Correct the lines above and import the file again; nothing is doubled.
    ");
    assert!(customer(here.path(), "c-7").is_some());
    assert!(customer(here.path(), "c-3").is_none());
}

#[test]
fn a_file_that_is_no_customer_list_is_refused_before_anything_is_written() {
    let here = tempfile::tempdir().unwrap();
    for (bytes, said) in [
        (&b""[..], "its first line must name the columns"),
        (b"\n\n", "its first line must name the columns"),
        (b"name;email\nAna;a@b.com\n", "the column reference"),
        (b"ref;id\n1;2\n", "the column id repeats another"),
        (b"\xff\xfer\0e\0f\0", "save it as \"CSV UTF-8\""),
    ] {
        let called = import(here.path(), "bad.csv", bytes);
        assert_eq!((called.code, called.out.as_str()), (ExitCode::Problems, ""), "{bytes:?}");
        assert!(called.err.contains(said), "{bytes:?}: {}", called.err);
    }
    let call = Call { dir: here.path(), env: &[], typed: None };
    let called = call.run(&["customers", "import", "missing.csv"]);
    assert_eq!(called.code, ExitCode::Problems);
    assert!(called.err.contains("missing.csv"), "{}", called.err);
}

#[test]
fn a_long_file_is_written_in_batches() {
    let here = tempfile::tempdir().unwrap();
    let mut file = "reference,name\n".to_owned();
    for number in 0..1201 {
        writeln!(file, "c-{number},Cliente {number}").unwrap();
    }
    let called = import(here.path(), "clientes.csv", file.as_bytes());
    assert_eq!(
        (called.code, called.out.as_str()),
        (ExitCode::Ok, "new: 1201, replaced: 0, refused: 0\n")
    );
    assert!(customer(here.path(), "c-1200").is_some());
}
