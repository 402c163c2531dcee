//! The tables, as both databases define them. The files in `migrations/` explain the columns.

diesel::table! {
    accounts (id) {
        id -> BigInt,
        name -> Text,
        canonical -> Nullable<Text>,
        password_hash -> Text,
        generation -> BigInt,
        status -> Integer,
        created_at -> BigInt,
        changed_at -> Nullable<BigInt>,
        last_seen -> Nullable<BigInt>,
        canonical_skeleton -> Nullable<Text>,
        shown_skeleton -> Nullable<Text>,
        tickets_void_until -> Nullable<BigInt>,
    }
}
