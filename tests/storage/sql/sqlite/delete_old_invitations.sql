DELETE FROM invitations WHERE invitations.id IN (SELECT invitations.id
FROM invitations
WHERE invitations.expires_at < ? ORDER BY invitations.expires_at
 LIMIT ? OFFSET ?);
