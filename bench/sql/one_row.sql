insert into bench.one_row (amount) values (100);
