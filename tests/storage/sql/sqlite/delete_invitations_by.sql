DELETE FROM invitations WHERE invitations.account_id = ? AND invitations.created_by_kind = ? AND invitations.created_by_id IS ? AND invitations.accepted_at IS NULL AND invitations.role = ?;
