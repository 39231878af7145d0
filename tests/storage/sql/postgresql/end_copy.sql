SELECT copying.id, copying.source, copying.table_name, copying.place
FROM copying;
