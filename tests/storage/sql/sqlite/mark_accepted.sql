UPDATE invitations SET accepted_at=? WHERE invitations.id = ?;
