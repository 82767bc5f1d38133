-- Licences held against their texts and against the Hub's list (huggingface.co/docs/hub/repositories-licenses).
-- Three that allow research alone, which is 7 by the scale, stood at 6; five of the Hub's list and two names that cards give
-- beside `license: other` were missing. Rows that somebody has added under these names stay as they are.
UPDATE licence SET permissiveness = 7, source = 'DeepFloyd IF License Agreement, 1.a: non-commercial research alone'
WHERE id = 'deepfloyd-if-license' AND permissiveness = 6;
UPDATE licence SET permissiveness = 7, source = 'FAIR Noncommercial Research License v1: noncommercial research uses alone'
WHERE id = 'fair-noncommercial-research-license' AND permissiveness = 6;
UPDATE licence SET permissiveness = 7, source = 'Intel Research Use License: research use alone'
WHERE id = 'intel-research' AND permissiveness = 6;
UPDATE licence SET source = 'DeepSeek License Agreement 1.0 (23 October 2023), made from OpenRAIL: use restrictions of attachment A pass on'
WHERE id = 'deepseek';
UPDATE licence SET source = 'Falcon 180B TII License 1.0 and TII Falcon LLM License: acceptable use policy that may change, hosting apart'
WHERE id = 'falcon-llm-license';

INSERT INTO licence
FROM (VALUES
    ('etalab-2.0', 1, ['notice'], 'SPDX etalab-2.0'),
    ('c-uda',      1, ['notice'], 'SPDX C-UDA-1.0, for computational use'),
    ('ofl-1.1',    2, ['notice', 'share_alike'], 'SPDX OFL-1.1'),
    ('lppl-1.3c',  2, ['notice', 'share_alike'], 'SPDX LPPL-1.3c'),
    ('lgpl-lr',    2, ['notice', 'share_alike', 'disclose_source'], 'SPDX LGPLLR'),
    ('nvidia-open-model-license', 5, ['notice', 'use_policy', 'terms'],
     'NVIDIA Open Model License Agreement (24 October 2025): commercial use and derivatives, under its conditions for use'),
    ('mrl',        7, ['notice', 'terms', 'noncommercial'], 'Mistral AI Research License 0.1, sections 2 and 3: research alone')
) AS added (id, permissiveness, obligations, source)
WHERE id NOT IN (SELECT l.id FROM licence AS l);
