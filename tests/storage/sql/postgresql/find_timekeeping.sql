SELECT timekeeping.id, timekeeping.seen_at, timekeeping.trusted_at, timekeeping.doubted_since, timekeeping.is_settled
FROM timekeeping;
