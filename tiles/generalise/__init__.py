"""What low zooms draw of a layer: pure algorithms on arrays and shapes, and the job that keeps their results true."""
