//! The tables, as both databases have them; `migrations/` says why the columns are what they are.

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
    }
}
