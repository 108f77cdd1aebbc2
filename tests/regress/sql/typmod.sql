-- binvec(n), int8vec(n), uint8vec(n): exactly n dimensions, enforced and never adjusted.
CREATE TABLE docs (b binvec(4), i int8vec(2), u uint8vec(3));
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'docs'::regclass AND attnum > 0
ORDER BY attnum;
INSERT INTO docs VALUES ('0101', '[1,2]', '[1,2,3]');
INSERT INTO docs (b) VALUES ('01010');
INSERT INTO docs (i) VALUES ('[1]');
INSERT INTO docs (u) VALUES ('[1,2,3,4]');
-- What an expression returns is checked too.
INSERT INTO docs (b) VALUES (quantize_binary('{1,-1,1}'));
INSERT INTO docs (b) VALUES (quantize_embeddings('{1,-1,1}', 'binary'));
INSERT INTO docs (i) SELECT '[1,2,3]'::int8vec;
INSERT INTO docs (b) VALUES (b'0101'), (quantize_embeddings('{1,-1,1,-1}', 'ubinary'));
UPDATE docs SET i = '[1,2,3]';
SELECT * FROM docs;
SELECT '0101'::binvec(4), '[1,2]'::int8vec(2), '[1,2]'::uint8vec(2)::uint8vec;
SELECT '0101'::binvec::binvec(5);
SELECT '[1,2]'::int8vec(3);

-- Adding the dimension to a column later, and changing it.
CREATE TABLE later (b binvec);
INSERT INTO later VALUES ('01'), ('10');
ALTER TABLE later ALTER b TYPE binvec(2);
ALTER TABLE later ALTER b TYPE binvec(3);
ALTER TABLE later ALTER b TYPE binvec;
INSERT INTO later VALUES ('011');
ALTER TABLE later ALTER b TYPE binvec(2);
CREATE DOMAIN code AS int8vec(2);
SELECT '[1,2]'::code;
SELECT '[1,2,3]'::code;

-- Impossible modifiers.
CREATE TABLE bad (b binvec(0));
CREATE TABLE bad (b binvec(-1));
CREATE TABLE bad (b int8vec(65536));
CREATE TABLE bad (b uint8vec(1, 2));
CREATE TABLE bad (b uint8vec('many'));
CREATE TABLE bad (b int8vec(99999999999));
CREATE TABLE bad (q quantized(3));
CREATE TABLE widest (b binvec(65535));
-- Arrays of a vector type keep the modifier.
CREATE TABLE arrays (b binvec(2)[]);
INSERT INTO arrays VALUES (ARRAY['01', '10']::binvec[]);
INSERT INTO arrays VALUES ('{01,100}');
SELECT b, b[2] FROM arrays;
