SELECT invitations.id, invitations.account_id, invitations.email, invitations.role, invitations.created_by, invitations.created_at, invitations.expires_at, accounts.name AS account_name
FROM invitations JOIN accounts ON accounts.id = invitations.account_id
WHERE invitations.accepted_at IS NULL AND invitations.expires_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) AND invitations.account_id = $1::BIGINT ORDER BY invitations.id DESC
 LIMIT $2::INTEGER OFFSET $3::INTEGER;
