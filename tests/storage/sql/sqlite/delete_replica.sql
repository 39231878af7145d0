DELETE FROM replicas WHERE replicas.name = ?;
