DELETE FROM invitations WHERE invitations.account_id = ? AND invitations.id = ? AND invitations.accepted_at IS NULL;
