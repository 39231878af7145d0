SELECT count(*) AS count_1
FROM invitations
WHERE invitations.account_id = $1::BIGINT AND invitations.accepted_at IS NULL AND invitations.expires_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT);
