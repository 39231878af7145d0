SELECT anon_1.page_count * anon_2.page_size AS bytes
FROM pragma_page_count() AS anon_1 JOIN pragma_page_size() AS anon_2 ON 1 = 1;
