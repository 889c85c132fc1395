\set to random(:first, :last)
select * from pgledger_create_transfer('pgla_' || lpad('9999', 26, '0'), 'pgla_' || lpad(:to, 26, '0'), 100);
