-- Is the source $uri a published base model that was trained from scratch by its maker's word? Its source, or no row.
SELECT source FROM published_root WHERE name = model_spelling($uri);
