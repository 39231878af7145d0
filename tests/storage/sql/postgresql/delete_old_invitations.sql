WITH locked AS
(SELECT invitations.id AS id
FROM invitations
WHERE invitations.id IN (SELECT invitations.id
FROM invitations
WHERE invitations.expires_at < $1::BIGINT ORDER BY invitations.expires_at
 LIMIT $2::INTEGER) ORDER BY invitations.id FOR UPDATE OF invitations)
 DELETE FROM invitations WHERE invitations.id IN (SELECT locked.id
FROM locked);
