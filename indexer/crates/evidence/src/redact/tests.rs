//! What is taken out of a line, and what stays readable.

use super::*;

/// `«…»` in `marked` stands around what must be replaced.
#[track_caller]
fn check(marked: &str, kinds: &[&str]) {
    let redactor = Redactor::new([7; 32]);
    let text = marked.replace(['«', '»'], "");
    let (redacted, n_values) = redactor.redact(text.as_str());
    let mut expected = String::new();
    let mut kinds = kinds.iter();
    for (index, part) in marked.split(['«', '»']).enumerate() {
        match index % 2 {
            0 => expected.push_str(part),
            _ => expected.push_str(&placeholder::placeholder(&[7; 32], kinds.next().expect("a kind for each"), part)),
        }
    }
    assert_eq!(redacted.as_str(), expected, "{text}");
    assert_eq!(n_values, marked.matches('«').count());
    assert_eq!(redactor.redact(redacted.as_str()).1, 0, "redacting again changes `{}`", redacted.as_str());
}

fn fill(alphabet: &str, n: usize) -> String {
    alphabet.chars().cycle().take(n).collect()
}

#[test]
fn tokens_of_providers() {
    let mixed = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7";
    let hex = "0a1b2c3d4e5f6789";
    check("key «AKIAIOSFODNN7EXAMPLE» used", &["aws_key"]);
    check(&format!("push with «ghp_{}»", fill(mixed, 36)), &["github_token"]);
    check(&format!("«glpat-{}».", fill(mixed, 20)), &["gitlab_token"]);
    check("slack «xoxb-123456789012-abcdefABCDEF»", &["slack_token"]);
    check(&format!("«sk_live_{}»", fill(mixed, 24)), &["stripe_key"]);
    check(&format!("«AIza{}»", fill(mixed, 35)), &["google_key"]);
    check(&format!("using «sk-proj-{}»", fill(mixed, 48)), &["openai_key"]);
    check(&format!("«npm_{}»", fill(mixed, 36)), &["npm_token"]);
    check(&format!("«SG.{}.{}»", fill(mixed, 22), fill(mixed, 43)), &["sendgrid_key"]);
    check(&format!("«SK{}»", fill(hex, 32)), &["twilio_key"]);
    check(&format!("«dop_v1_{}»", fill(hex, 64)), &["digitalocean_token"]);
    check(
        "jwt «eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U»",
        &["jwt"],
    );
    check("«-----BEGIN RSA PRIVATE KEY-----\\nMIIEow\\n-----END RSA PRIVATE KEY-----» loaded", &["private_key"]);
}

#[test]
fn secrets_by_name() {
    check("login password=«hunter2» ok", &["password"]);
    check(r#"{"password":"«it's, \"a\" secret»","user":"ana"}"#, &["password"]);
    check(r#"{"body":"{\"client_secret\":\"«abcDEF123456»\",\"a\":1}"}"#, &["secret"]);
    check("DB_PASSWORD: «pa55word!», next", &["password"]);
    check("POST /x?user=a&access_token=«a1b2c3d4e5»&b=2", &["token"]);
    check("q=api_key%3D«a1b2c3d4e5»%26x", &["api_key"]);
    check("mysql --password «s3cret» -h db", &["password"]);
    check("<password>«s3cret»</password>", &["password"]);
    check("aws_secret_access_key = «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»", &["secret"]);
    check("AccountKey=«Zm9vYmFyMTIzNDU2Nzg5MA==»;Endpoint=x", &["access_key"]);
}

#[test]
fn passwords_on_command_lines() {
    check("sshpass -p «hunter2» ssh root@db", &["password"]);
    check("sh: curl -s -u 'admin:«hunter2»' https://x/", &["password"]);
    check("curl --user admin:«hunter2» https://x/", &["password"]);
    for text in
        ["sshpass -p $PASSWORD ssh db", "curl -u admin:${PASSWORD} x", "ps -u app:web", "curl -u admin https://x:8/"]
    {
        check(text, &[]);
    }
}

#[test]
fn headers_and_addresses() {
    check("Authorization: Bearer «abc123def456ghi789»", &["authorization"]);
    check(r#""authorization":"Basic «dXNlcjpwYXNz»""#, &["authorization"]);
    check("sent Bearer «abc123def456ghi789» on", &["bearer"]);
    check("Cookie: «sid=abc; theme=dark»", &["cookie"]);
    check("Set-Cookie: «sid=abc; Path=/» done", &["cookie"]);
    check("postgres://app:«pa55»@db.internal:5432/shop", &["url_password"]);
    check("mail to «ana.b@example.com» sent", &["email"]);
    check("card «4111 1111 1111 1111» and «378282246310005»", &["card", "card"]);
    check("pay to «DE89 3704 0044 0532 0130 00» now", &["iban"]);
    check("iban=«GB82WEST12345698765432»", &["iban"]);
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "trace 88ebfbcebbbc0884eabd9178e1808940 span dd84024eb1cbced4",
        "req 550e8400-e29b-41d4-a716-446655440000 took 12 ms",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "Failed password for root from 10.0.0.1 port 22 ssh2",
        "invalid password: must be longer",
        "password=<*> token=<*>",
        "password=******** token=${TOKEN}",
        "used 512 tokens, max_tokens=4096, token_count: 77",
        "token=/run/secrets/token1 token=/Users/Ana/Library/App/1/x secret key SG.Some.Very.Long.Class.Name.In.A.Package.Tree",
        "token=Token{a64f992 ActivityRecord{de9231d u0}}",
        "http://host:8080/a@b http://[::1]:80/",
        "GET http://cart:8080/items/7?x=1@2 200",
        "1512345678901234 1704207845123 order 4111111111111112",
        "getty@tty1.service started, git@github.com:x/y cloned, a@b",
        "task-runner disk-usage-of-the-whole-cluster-1 Basic settings saved",
        "no cookies: allowed",
        "the secret: nobody knows",
    ] {
        check(text, &[]);
    }
}

#[test]
fn fields_are_judged_by_their_names() {
    let redactor = Redactor::new([1; 32]);
    assert_eq!(redactor.redact_field("db.password", "hunter2").1, 1);
    assert_eq!(redactor.redact_field("user", "hunter2").1, 0);
    let (once, _) = redactor.redact_field("password", "hunter2");
    assert_eq!(redactor.redact_field("password", once.as_str()).1, 0);
}

#[test]
fn equal_secrets_look_equal_and_keys_matter() {
    let one = Redactor::new([1; 32]);
    let (first, _) = one.redact("password=hunter2");
    assert_eq!(one.redact("password=hunter2").0, first);
    assert_ne!(Redactor::new([2; 32]).redact("password=hunter2").0, first);
    assert_ne!(one.redact("password=hunter3").0, first);
}

#[test]
fn a_forged_placeholder_hides_nothing() {
    check("⟨redacted:x: password=«hunter2»", &["password"]);
}

#[test]
fn lines_of_nothing_but_anchors_take_no_time() {
    let redactor = Redactor::new([1; 32]);
    for anchor in [
        "password=",
        "token=\"",
        "bearer%20",
        "cookie:a=b;",
        " -u curl:1",
        "-eyJ1",
        "-----BEGIN PRIVATE KEY-----",
        "://a:b",
        "a@b.cd",
        "authorization=1",
        "4111 ",
        "DE89",
        "⟨redacted:email:k7xq2m9a4d⟩a@b.cd",
    ] {
        let line = anchor.repeat((1 << 16) / anchor.len());
        let started = std::time::Instant::now();
        let _ = redactor.redact(line);
        assert!(started.elapsed().as_secs() < 20, "`{anchor}` repeated took {:?}", started.elapsed());
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[ -~]{0,12}",
            "\\PC{0,6}",
            Just("password=".to_owned()),
            Just("\"token\":\"".to_owned()),
            Just("Authorization: Bearer ".to_owned()),
            Just("Cookie: a=b; ".to_owned()),
            Just("://u:".to_owned()),
            Just("@example.com".to_owned()),
            Just("⟨redacted:".to_owned()),
            Just("AKIAIOSFODNN7EXAMPLE".to_owned()),
            Just("4111111111111111".to_owned()),
            Just("-----BEGIN PRIVATE KEY-----".to_owned()),
            Just("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.".to_owned()),
            Just("\\\"".to_owned()),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn redacting_twice_is_redacting_once(text in pieces()) {
            let redactor = Redactor::new([3; 32]);
            let (once, _) = redactor.redact(text.as_str());
            let (twice, n_values) = redactor.redact(once.as_str());
            prop_assert_eq!(&once, &twice);
            prop_assert_eq!(n_values, 0);
        }
    }
}
