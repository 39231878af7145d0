SELECT count(*) AS count_1
FROM invitations
WHERE invitations.account_id = ? AND invitations.accepted_at IS NULL AND invitations.expires_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000;
