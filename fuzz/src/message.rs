//! Renewal requests and answers: the JSON over HTTP, and the text that comes by mail or by a camera.
//!
//! Laws: a request that is read is the same when it was written as JSON, as text or as codes, also as a mail program quotes and breaks it, and goes on from
//! its own head; what an answer holds survives both of its forms.

use reprieve::ledger::Continuity;
use reprieve::renew::{RenewalAnswer, RenewalRequest};

/// Runs the target.
pub fn run(data: &[u8]) {
    if let Ok(request) = RenewalRequest::read(data) {
        let head = request.chain.continuity(&request.chain.head);
        assert_eq!(head.expect("its head was read"), Continuity::Continues);
        assert_eq!(RenewalRequest::read(&request.to_json()).as_ref(), Ok(&request));
        let text = request.to_armour();
        assert_eq!(RenewalRequest::read(text.as_bytes()).as_ref(), Ok(&request));
        let quoted: String = text.lines().map(|line| format!(">> {line}\r\n")).collect();
        assert_eq!(RenewalRequest::read(quoted.as_bytes()).as_ref(), Ok(&request));
        assert_eq!(RenewalRequest::read(request.to_codes().join("\n").as_bytes()).as_ref(), Ok(&request));
    }
    if let Ok(answer) = RenewalAnswer::read(data) {
        let written = |answer: &RenewalAnswer| RenewalAnswer::read(&answer.to_json()).expect("it was written by us");
        // Bytes that are no text are written as text, and a token that is JSON anew; from then on both stay.
        let again = written(&written(&answer));
        assert_eq!(again.documents.len(), answer.documents.len());
        assert!(written(&again) == again);
        assert!(RenewalAnswer::read(again.to_armour().as_bytes()).as_ref() == Ok(&again));
    }
}
