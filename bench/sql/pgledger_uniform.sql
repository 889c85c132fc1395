\set from random(:first, :last)
\set to random(:first, :last - 1)
\set to :to + case when :to >= :from then 1 else 0 end
select * from pgledger_create_transfer('pgla_' || lpad(:from, 26, '0'), 'pgla_' || lpad(:to, 26, '0'), 100);
