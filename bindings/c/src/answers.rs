//! What became of documents, with the texts.

use std::ffi::c_char;

use reprieve_core::client::Answer;

use crate::guard::call;
use crate::handle::{free, object};
use crate::output::{Out, OutStruct, Text, Zero, at};
use crate::status::reprieve_status;
use crate::types::{self, reprieve_answer};

/// What became of the documents of one call: owned by the caller, freed with `reprieve_answers_free`. Nothing in it
/// changes; any thread.
pub struct reprieve_answers {
    _private: [u8; 0],
}

/// One of them.
pub struct AnswerObject {
    answer: reprieve_answer,
    license: Option<Zero>,
    detail: Zero,
}

impl AnswerObject {
    /// An answer with its texts.
    pub fn new(answer: &Answer) -> AnswerObject {
        AnswerObject {
            answer: types::answer(answer),
            license: Zero::of(answer.license.as_deref()),
            detail: Zero::new(&answer.detail),
        }
    }
}

/// How many answers there are, one for each document. `count` (out, not NULL). Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_answers_count(
    answers: *const reprieve_answers,
    count: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let count = Out::new("count", count, 0).required()?;
            object!(answers, Answers, |list: &Vec<AnswerObject>| {
                count.set(list.len());
                Ok(())
            })
        })
    }
}

/// The answer at an index, from 0. `answer` (in and out, not NULL): `struct_size` set. Statuses:
/// REPRIEVE_STATUS_OUT_OF_RANGE. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_answers_get(
    answers: *const reprieve_answers,
    index: usize,
    answer: *mut reprieve_answer,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let answer = OutStruct::new(answer).required("answer")?;
            object!(answers, Answers, |list: &Vec<AnswerObject>| {
                answer.set(&at(list, index)?.answer);
                Ok(())
            })
        })
    }
}

/// The licence that a document is about: UTF-8 with a NUL behind it; NULL and 0 if it is about none or cannot be
/// read. Borrowed: good until `answers` is freed. Statuses: REPRIEVE_STATUS_OUT_OF_RANGE. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_answers_license(
    answers: *const reprieve_answers,
    index: usize,
    text: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let text = Text::new(text, len).required()?;
            object!(answers, Answers, |list: &Vec<AnswerObject>| {
                text.set(at(list, index)?.license.as_ref());
                Ok(())
            })
        })
    }
}

/// In English words, what is wrong with a document and what to do; empty if nothing is. UTF-8 with a NUL behind it.
/// Borrowed: good until `answers` is freed. Statuses: REPRIEVE_STATUS_OUT_OF_RANGE. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_answers_detail(
    answers: *const reprieve_answers,
    index: usize,
    text: *mut *const c_char,
    len: *mut usize,
) -> reprieve_status {
    // SAFETY: the caller's promises.
    unsafe {
        call(std::ptr::null_mut(), || {
            let text = Text::new(text, len).required()?;
            object!(answers, Answers, |list: &Vec<AnswerObject>| {
                text.set(Some(&at(list, index)?.detail));
                Ok(())
            })
        })
    }
}

/// Frees answers. NULL is a no-op. Any thread. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reprieve_answers_free(answers: *mut reprieve_answers) {
    free!(answers, Answers);
}
