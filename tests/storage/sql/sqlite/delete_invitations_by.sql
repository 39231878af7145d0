DELETE FROM invitations WHERE invitations.account_id = ? AND invitations.created_by = ? AND invitations.accepted_at IS NULL;
