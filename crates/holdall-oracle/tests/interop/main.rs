//! holdall-s3 beside boto3 and the aws command.
//!
//! `HOLDALL_TEST_PYTHON` names an interpreter that has boto3 and awscli, `HOLDALL_TEST_CEPH` the server; without both
//! nothing is compared, and no test passes.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod boto;
mod command;
mod python;

use std::process::ExitCode;

use holdall_oracle::{Case, cases, run, say};

const CASES: &[Case] = &cases![
    boto::boto3_reads_what_holdall_wrote,
    boto::holdall_reads_what_boto3_wrote,
    command::aws_s3_ls_lists_what_holdall_wrote,
    command::aws_s3_cp_goes_both_ways,
];

fn main() -> ExitCode {
    if python::interpreter().is_none() {
        say("NOTHING IS COMPARED: set HOLDALL_TEST_PYTHON to an interpreter with boto3 and awscli");
        return run(&[]);
    }
    run(&[("ceph", &[CASES])])
}
