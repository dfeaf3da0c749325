//! What one client writes, the other reads: holdall-s3 beside the official SDK and curl, on real servers.
//!
//! `HOLDALL_TEST_CEPH`, `HOLDALL_TEST_MOTO` and `HOLDALL_TEST_S3S_FS` name the servers; without them nothing is compared,
//! and no test passes.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod administration;
mod attributes;
mod conditions;
mod copies;
mod curl;
mod deletes;
mod encryption;
mod forms;
mod keys;
mod listings;
mod locks;
mod presigned;
mod rights;
mod sdk;
mod uploads;
mod versions;

use std::process::ExitCode;

use holdall_oracle::{Case, cases, run};

/// What holds on every server.
const COMMON: &[Case] = &cases![
    attributes::holdall_reads_what_the_sdk_wrote,
    attributes::the_sdk_reads_what_holdall_wrote,
    attributes::metadata_that_is_no_ascii_is_encoded_words_to_the_sdk,
    attributes::tags_go_both_ways,
    attributes::tags_are_replaced_and_removed_alike,
    conditions::create_only_is_refused_alike,
    conditions::reads_are_refused_alike,
    copies::a_copy_keeps_or_replaces_metadata,
    deletes::a_batch_of_a_thousand_leaves_nothing,
    listings::twenty_five_hundred_keys_are_listed_alike,
    presigned::response_fields_are_honoured,
    presigned::the_sdk_signs_the_same_url,
];

/// Ceph takes every key and checks signatures, policies, expiry and owners.
const CEPH: &[Case] = &cases![
    administration::what_is_not_configured_is_none,
    administration::lifecycle_rules_go_both_ways,
    administration::rules_that_are_not_understood_survive,
    administration::cors_rules_go_both_ways,
    administration::a_policy_goes_both_ways,
    administration::blocked_public_access_reads_back,
    administration::public_grants_are_seen,
    administration::an_unknown_configuration_never_costs_the_bucket,
    administration::denied_is_not_unknown,
    attributes::an_acl_goes_both_ways,
    attributes::an_underscore_in_a_metadata_name_is_a_dash_on_ceph,
    copies::odd_keys_are_copied,
    deletes::odd_keys_go_in_one_batch,
    encryption::kms_goes_both_ways,
    encryption::a_customers_key_goes_both_ways,
    encryption::encryption_that_is_not_confirmed_is_refused,
    forms::curl_posts_a_form,
    forms::a_form_keeps_the_browsers_file_name,
    forms::a_file_of_the_wrong_size_is_refused,
    forms::a_field_that_was_changed_is_refused,
    keys::every_odd_key_goes_both_ways,
    locks::a_legal_hold_goes_both_ways,
    locks::a_retention_goes_both_ways,
    locks::evi_14_locks_need_rights_of_their_own,
    presigned::curl_gets_puts_heads_and_deletes_odd_keys,
    presigned::curl_must_send_the_signed_headers,
    presigned::a_changed_url_is_refused,
    presigned::an_expired_url_is_refused,
    presigned::a_url_of_the_sdk_is_accepted_too,
    rights::evi_14_four_rights_suffice_for_core_work,
    rights::evi_14_what_else_needs_a_right_of_its_own,
    uploads::holdall_completes_what_the_sdk_began,
    uploads::the_sdk_completes_what_holdall_began,
    uploads::uploads_under_odd_keys_are_listed_alike,
    versions::a_version_is_read_and_deleted_alike,
];

/// moto has what Ceph 16 lacks: storage classes, `If-Match` on writes, keys of the storage's own.
///
/// Of objects it is asked for nothing else: it answers ListParts with a document whose root has a wrong name, which the
/// SDK refuses as well, and routes some odd keys to its 404 page.
const MOTO: &[Case] = &cases![
    administration::what_is_not_configured_is_none,
    administration::lifecycle_rules_go_both_ways,
    administration::cors_rules_go_both_ways,
    administration::a_policy_goes_both_ways,
    administration::blocked_public_access_reads_back,
    administration::encryption_goes_both_ways,
    administration::replication_and_locks_are_read,
    administration::logging_is_read,
    attributes::a_storage_class_goes_both_ways,
    conditions::a_write_on_an_etag_is_refused_alike,
    encryption::the_storages_own_keys_go_both_ways,
];

/// s3s-fs computes checksums and answers them.
const S3S_FS: &[Case] = &cases![
    administration::nothing_is_known,
    attributes::checksums_go_both_ways,
    conditions::a_write_on_an_etag_is_refused_alike,
];

fn main() -> ExitCode {
    let servers: [(_, &[&[Case]]); 3] =
        [("ceph", &[COMMON, CEPH]), ("moto", &[COMMON, MOTO]), ("s3s-fs", &[S3S_FS])];
    run(&servers)
}
