-- Text input and output of the four types: what is printed reads back as the same value.
SELECT '0110'::binvec, E' \t01\n'::binvec AS white_space, '1'::binvec AS one_dimension;
SELECT '[-128,0,127]'::int8vec, '[0,255]'::uint8vec, ' [ -3 , +2 ,007 ] '::int8vec AS white_space;
SELECT 'float32[0.5,-1,1e-3]'::quantized, 'int8[-3,0]'::quantized, 'uint8[0,255]'::quantized;
SELECT 'binary[0110]'::quantized, 'ubinary[1]'::quantized;

-- Floats print in the shortest form that reads back, extremes and signed zeros too.
SELECT v::text::quantized = v AS reads_back
FROM (VALUES ('float32[3.4028235e38,-1.1754944e-38,1e-45]'::quantized), ('float32[0,-0,0.1,16777217]')) AS t(v);
SELECT 'float32[-0]'::quantized = 'float32[0]'::quantized AS signed_zeros_are_the_same_bytes;

-- 65535 dimensions are the limit.
SELECT vector_dims(repeat('1', 65535)::binvec), length(repeat('1', 65535)::binvec::text);
SELECT vector_dims(('[' || repeat('7,', 65534) || '7]')::uint8vec);
SELECT repeat('1', 65536)::binvec;
SELECT ('[' || repeat('7,', 65535) || '7]')::int8vec;

-- Not a vector.
SELECT ''::binvec;
SELECT '0120'::binvec;
SELECT '01 01'::binvec;
SELECT '[]'::int8vec;
SELECT '[ ]'::uint8vec;
SELECT '1,2'::int8vec;
SELECT '[1,2'::int8vec;
SELECT '[1,,2]'::int8vec;
SELECT '[1,2,]'::int8vec;
SELECT '[1 2]'::int8vec;
SELECT '[1.5]'::int8vec;
SELECT '[128]'::int8vec;
SELECT '[-129]'::int8vec;
SELECT '[256]'::uint8vec;
SELECT '[-1]'::uint8vec;
SELECT '{1,2}'::int8vec;
SELECT '[99999999999999999999]'::int8vec;

-- Not a quantized value.
SELECT 'int4[1]'::quantized;
SELECT '[1,2]'::quantized;
SELECT 'int8'::quantized;
SELECT 'int8[]'::quantized;
SELECT 'int8[1'::quantized;
SELECT 'int8[300]'::quantized;
SELECT 'binary[012]'::quantized;
SELECT 'float32[1,nan]'::quantized;
SELECT 'float32[-infinity]'::quantized;
SELECT 'float32[1e39]'::quantized;
SELECT ''::quantized;

-- A long garbage is not repeated whole.
SELECT repeat('x', 100000)::int8vec;
