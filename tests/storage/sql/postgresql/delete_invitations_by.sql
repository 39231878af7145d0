WITH locked AS
(SELECT invitations.id AS id
FROM invitations
WHERE invitations.account_id = $1::BIGINT AND invitations.created_by_kind = $2::VARCHAR AND invitations.created_by_id IS NOT DISTINCT FROM $3::BIGINT AND invitations.accepted_at IS NULL AND invitations.role = $4::VARCHAR ORDER BY invitations.id FOR UPDATE OF invitations)
 DELETE FROM invitations WHERE invitations.id IN (SELECT locked.id
FROM locked);
