SELECT invitations.id, invitations.account_id, invitations.email, invitations.role, invitations.created_by, invitations.created_at, invitations.expires_at, accounts.name AS account_name
FROM invitations JOIN accounts ON accounts.id = invitations.account_id
WHERE invitations.accepted_at IS NULL AND invitations.expires_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 AND invitations.account_id = ? ORDER BY invitations.id DESC
 LIMIT ? OFFSET ?;
